"""Where the landmarks of examples/portrait.jpg are."""

# Read off the enlarged picture by hand, x and y in its pixels.
PORTRAIT_POINTS = {
    8: (222, 178),  # chin
    30: (223, 127),  # tip of the nose
    36: (193, 101),  # corners of the eyes
    39: (211, 103),
    42: (238, 105),
    45: (258, 104),
    48: (202, 139.5),  # corners of the mouth
    54: (247.5, 138.5),
}
