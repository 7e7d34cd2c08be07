"""Where people can go, as pure rules: HSDS 3.0 in and out, opening hours, who fits."""
