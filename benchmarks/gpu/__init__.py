"""What has to be found out on a GPU: checks with what is expected of each, in eight minutes."""
