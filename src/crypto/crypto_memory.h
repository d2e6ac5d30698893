/* crypto_memory: what OpenSSL allocates counts as the part MEM_TLS; see base/mem_part.h. */
#ifndef XSHATHRA_CRYPTO_CRYPTO_MEMORY_H
#define XSHATHRA_CRYPTO_CRYPTO_MEMORY_H

/* Once, before anything else of OpenSSL is called in the process; later it does nothing. */
void crypto_memory_count(void);

#endif
