"""One file per question: from checkpoints and pictures to a results folder; the functions behind the commands."""
