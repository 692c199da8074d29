"""One file a command: flags in, one call to the app, words out."""
