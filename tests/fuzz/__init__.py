"""Fuzzing: whatever comes from outside is answered, refused or ignored; nothing crashes."""
