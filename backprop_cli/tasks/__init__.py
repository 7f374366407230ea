"""What is done with a spec: calculated, checked, marked, exported, described."""
