# dicface in two images: `base` runs the command, `web` serves the page. See docs/deployment.md.
#   docker build --target base --tag dicface:base .
#   docker build --target web --tag dicface:web .
#   docker build --target base --build-arg EXTRAS=cloud,ray --tag dicface:cloud .
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
# Extras of the package, with commas between.
ARG EXTRAS=""
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
# The environment has no pip of its own: nothing can be installed into the image later.
RUN python -m venv --without-pip /opt/dicface \
    && pip --python /opt/dicface/bin/python install --no-cache-dir --constraint constraints.txt ".${EXTRAS:+[$EXTRAS]}"

FROM python:${PYTHON_VERSION}-slim-bookworm AS base
LABEL org.opencontainers.image.title="dicface" \
      org.opencontainers.image.description="Face super-resolution with landmarks" \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-Non-Commercial-Research"
COPY --from=build /opt/dicface /opt/dicface
# Nothing is written but to /tmp and to mounted folders, so that the root may be read-only.
ENV PATH="/opt/dicface/bin:$PATH" \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /photos
USER 10001:10001
ENTRYPOINT ["dicface"]
CMD ["--help"]

FROM base AS web
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["serve", "--host", "0.0.0.0", "--port", "7860"]
