"""Where people went, from a device over MQTT into a file."""
