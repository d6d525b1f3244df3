# Minimal images of the executables: nothing but glibc, the executable and an empty data folder.
# `make image` builds the executables first and stages the libraries in build/image.
#
#   make image              all executables in one image, cita-cloud-ts:latest
#   make image ROLE=storage one of them, cita-cloud-ts-storage:latest
#
# Run a service in a node folder made by cloud-config:
#   podman run -v ./demo-0:/data cita-cloud-ts-storage run -c config.toml -l storage-log4rs.yaml

FROM scratch AS base
COPY build/image/ /
ENV PATH=/usr/local/bin HOME=/data
WORKDIR /data
USER 1000:1000

FROM base AS network
COPY bin/network /usr/local/bin/
ENTRYPOINT ["network"]

FROM base AS consensus
COPY bin/consensus /usr/local/bin/
ENTRYPOINT ["consensus"]

FROM base AS executor
COPY bin/executor /usr/local/bin/
ENTRYPOINT ["executor"]

FROM base AS storage
COPY bin/storage /usr/local/bin/
ENTRYPOINT ["storage"]

FROM base AS controller
COPY bin/controller /usr/local/bin/
ENTRYPOINT ["controller"]

FROM base AS kms
COPY bin/kms /usr/local/bin/
ENTRYPOINT ["kms"]

FROM base AS cldi
COPY bin/cldi /usr/local/bin/
ENTRYPOINT ["cldi"]

FROM base AS all
COPY bin/ /usr/local/bin/
