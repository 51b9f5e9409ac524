"""What a call means: request bytes to jobs, outputs to reply bytes; pure, without a socket."""
