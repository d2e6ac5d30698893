#include "protocol/protocol_codes.h"

struct slice client_error_message(uint32_t code)
{
    switch (code) {
#define X(name, number, message, temporary)                                                                            \
    case number: return SLICE(message);
        CLIENT_ERROR_LIST(X)
#undef X
    default: return (struct slice){ 0 };
    }
}

bool client_error_temporary(uint32_t code)
{
    switch (code) {
#define X(name, number, message, temporary)                                                                            \
    case number: return temporary;
        CLIENT_ERROR_LIST(X)
#undef X
    default: return false;
    }
}

struct slice api_error_message(uint32_t code)
{
    switch (code) {
#define X(name, number, message, http_status)                                                                          \
    case number: return SLICE(message);
        API_ERROR_LIST(X)
#undef X
    default: return (struct slice){ 0 };
    }
}

int api_error_http_status(uint32_t code)
{
    switch (code) {
#define X(name, number, message, http_status)                                                                          \
    case number: return http_status;
        API_ERROR_LIST(X)
#undef X
    default: return 0;
    }
}

struct slice disconnect_reason(uint32_t code)
{
    switch (code) {
#define X(name, number, reason)                                                                                        \
    case number: return SLICE(reason);
        DISCONNECT_LIST(X)
#undef X
    default: return (struct slice){ 0 };
    }
}

struct slice unsubscribe_reason(uint32_t code)
{
    switch (code) {
#define X(name, number, reason)                                                                                        \
    case number: return SLICE(reason);
        UNSUBSCRIBE_LIST(X)
#undef X
    default: return (struct slice){ 0 };
    }
}
