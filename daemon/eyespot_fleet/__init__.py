"""What runs on the operator's machine: `eyespot-fleet`. The device never imports it."""
