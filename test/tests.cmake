# The tests that need whole programs. Each starts what it needs on free loopback ports and ends it by its pid.
