# Custom script of digiKam's batch queue manager: paste it into the tool "Custom Script" (base tools).
# digiKam puts the paths, in quotes, in the places of $INPUT and $OUTPUT, and takes another exit code than 0 as failure.
# Choose JPEG, PNG or TIFF as output type there. In front of the command, a path may be needed: digiKam's own, if it was
# started from the desktop, seldom has that of a virtual environment.
dicface restore $INPUT --out $OUTPUT --overwrite --scale 1 --strength 1 --quiet
