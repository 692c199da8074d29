"""From a list of devices to their provisioning folders."""
