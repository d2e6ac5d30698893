/* policy_address: is a peer one of the trusted proxies?
 *
 * Use: if (policy_address_in(&d->trusted_proxies, peer)) -> believe X-Forwarded-For
 * A list holds IPv4 and IPv6 addresses and CIDR blocks ("10.0.0.0/8", "::1"). An IPv4
 * peer is also found when its socket is IPv6 ("::ffff:10.1.2.3"). Sources: RFC 4632
 * section 3.1, RFC 4291 sections 2.3 and 2.5.5.2. Pure; any thread. */
#ifndef XSHATHRA_POLICY_POLICY_ADDRESS_H
#define XSHATHRA_POLICY_POLICY_ADDRESS_H

#include <sys/socket.h>

#include "policy/policy.h"

/* True for an address or a block as a list may hold it. Bits behind the prefix must be 0. */
bool policy_address_valid(struct slice entry);

/* address without port, brackets or zone; anything else is in no list. */
bool policy_address_in(const struct policy_string_list *list, struct slice address);

/* False for families other than AF_INET and AF_INET6. */
bool policy_sockaddr_in(const struct policy_string_list *list, const struct sockaddr *address);

#endif
