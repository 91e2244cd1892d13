# A Debian with PostgreSQL and the extension. To try it out, in psql with a throwaway server:
#
#   docker build -t bulk_update . && docker run -it --rm bulk_update
#
# The default is the newest stable Debian and its PostgreSQL. Another version comes with its Debian:
#   docker build --build-arg DEBIAN=12 --build-arg PGVERSION=15 -t bulk_update .
ARG DEBIAN=13
FROM debian:${DEBIAN}
ARG PGVERSION=17
ENV PGVERSION=${PGVERSION}
WORKDIR /usr/src/bulk_update
COPY . .
RUN scripts/setup --build
RUN make -j"$(nproc)" PG_CONFIG=/usr/lib/postgresql/${PGVERSION}/bin/pg_config install
CMD ["scripts/with-server", "psql"]
