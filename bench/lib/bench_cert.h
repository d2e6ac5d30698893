/* bench_cert: a key and a certificate signed by itself, for a measured server with TLS. At start-up. */
#ifndef XSHATHRA_BENCH_CERT_H
#define XSHATHRA_BENCH_CERT_H

/* Writes PEM files. What fails ends the program. */
void bench_cert_write(const char *cert_path, const char *key_path);

#endif
