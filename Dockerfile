# A Debian with PostgreSQL and the extension. To try it out, in psql with a throwaway server:
#
#   docker build -t bulk_update . && docker run -it --rm bulk_update
FROM debian:12
WORKDIR /usr/src/bulk_update
COPY . .
RUN scripts/setup --build
RUN make -j"$(nproc)" install
CMD ["scripts/with-server", "psql"]
