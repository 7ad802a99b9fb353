"""What is logged and not sent yet: on the disk, so that it outlives the process."""
