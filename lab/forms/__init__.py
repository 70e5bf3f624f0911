"""Forms: shape and types of what is typed; whether it is right, the rules decide."""
