#include "protocol/protocol_command.h"

const char *command_kind_name(enum command_kind kind)
{
    switch (kind) {
#define X(kind_, name, number)                                                                                         \
    case COMMAND_##kind_: return #name;
        COMMAND_LIST(X)
#undef X
    default: return "";
    }
}
