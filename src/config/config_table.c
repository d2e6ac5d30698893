#include "base/check.h"
#include "config/config_option.h"

/* clang-format off: one option a line */
static const struct config_option TOP[] = {
    { "http_server.address", CONFIG_TEXT, NULL, CONFIG_BUILT },                                          /* CF-25 */
    { "http_server.port", CONFIG_INT, "3001", CONFIG_BUILT, .min = 1, .max = 65535 },                    /* CF-26 */
    { "http_server.internal_address", CONFIG_TEXT, NULL, CONFIG_BUILT },                                 /* CF-27 */
    { "http_server.internal_port", CONFIG_TEXT, NULL, CONFIG_BUILT },                                    /* CF-28 */
    { "http_server.max_header_size", CONFIG_INT, "32768", CONFIG_BUILT, .min = 1024, .max = 1048576 },   /* own */
    { "http_server.tls", CONFIG_BLOCK, NULL, CONFIG_BUILT, .table = &CONFIG_TABLE_SERVER_TLS },          /* CF-29 */
    { "http_server.tls_autocert.enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },                            /* CF-30 */
    { "http_server.tls_autocert.host_whitelist", CONFIG_STRINGS, NULL, CONFIG_PART },                    /* CF-31 */
    { "http_server.tls_autocert.cache_dir", CONFIG_TEXT, NULL, CONFIG_PART },                            /* CF-32 */
    { "http_server.tls_autocert.email", CONFIG_TEXT, NULL, CONFIG_PART },                                /* CF-33 */
    { "http_server.tls_autocert.server_name", CONFIG_TEXT, NULL, CONFIG_PART },                          /* CF-34 */
    { "http_server.tls_autocert.http", CONFIG_BOOL, NULL, CONFIG_PART },                                 /* CF-35 */
    { "http_server.tls_autocert.http_addr", CONFIG_TEXT, ":80", CONFIG_PART },                           /* CF-36 */
    { "http_server.tls_external", CONFIG_BOOL, NULL, CONFIG_BUILT },                                     /* CF-37 */
    { "http_server.internal_tls", CONFIG_BLOCK, NULL, CONFIG_BUILT, .table = &CONFIG_TABLE_SERVER_TLS }, /* CF-38 */
    { "http_server.http3.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                     /* CF-39 */
    { "http_server.h2c_external", CONFIG_BOOL, NULL, CONFIG_WARN },                                      /* CF-40 */
    { "log.level", CONFIG_TEXT, "info", CONFIG_BUILT },                                                  /* CF-41 */
    { "log.file", CONFIG_TEXT, NULL, CONFIG_BUILT },                                                     /* CF-42 */
    { "log.format", CONFIG_TEXT, NULL, CONFIG_BUILT },      /* own: text, json, or "" = text on a terminal */
    { "engine.type", CONFIG_TEXT, "memory", CONFIG_BUILT }, /* CF-43 */
    { "engine.redis", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS_ENGINE },       /* CF-44 */
    { "broker.enabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                          /* CF-45 */
    { "broker.type", CONFIG_TEXT, "memory", CONFIG_BUILT },                                         /* CF-46 */
    { "broker.redis", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS_BROKER },       /* CF-47 */
    { "broker.nats", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_NATS },                /* CF-48 to CF-56 */
    { "broker.postgres", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_POSTGRES_STREAM }, /* CF-57 */
    { "broker.redisnats.redis", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS_BROKER },     /* CF-58 */
    { "broker.redisnats.nats", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_NATS },              /* CF-58 */
    { "presence_manager.enabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                        /* CF-59 */
    { "presence_manager.type", CONFIG_TEXT, "memory", CONFIG_BUILT },                                       /* CF-60 */
    { "presence_manager.redis", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS_PRESENCE },   /* CF-61 */
    { "map_broker.type", CONFIG_TEXT, "memory", CONFIG_BUILT },                                             /* CF-62 */
    { "map_broker.redis", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_REDIS_MAP },              /* CF-63 */
    { "map_broker.postgres", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_POSTGRES_MAP },        /* CF-64 */
    { "controller.enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },                                             /* CF-65 */
    { "controller.type", CONFIG_TEXT, NULL, CONFIG_PART },                                                  /* CF-66 */
    { "controller.postgres", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_POSTGRES_CONTROLLER }, /* CF-67 */
    { "shared_poll.hmac_secret_key", CONFIG_TEXT, NULL, CONFIG_WARN, .flags = CONFIG_SECRET },              /* CF-68 */
    { "shared_poll.hmac_previous_secret_key", CONFIG_TEXT, NULL, CONFIG_WARN, .flags = CONFIG_SECRET },     /* CF-69 */
    { "shared_poll.hmac_previous_secret_key_valid_until", CONFIG_INT, NULL, CONFIG_PART, .min = 0,
      .max = INT64_MAX },                                                                             /* CF-70 */
    { "shared_poll.concurrency_limit", CONFIG_INT, NULL, CONFIG_PART },                               /* CF-71 */
    { "client.proxy.connect.enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },                             /* CF-72 */
    { "client.proxy.connect", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },        /* CF-72 */
    { "client.proxy.refresh.enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },                             /* CF-73 */
    { "client.proxy.refresh", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },        /* CF-73 */
    { "client.allowed_origins", CONFIG_STRINGS, NULL, CONFIG_BUILT },                                 /* CF-74 */
    { "client.token", CONFIG_BLOCK, NULL, CONFIG_BUILT, .table = &CONFIG_TABLE_TOKEN },               /* CF-75 */
    { "client.subscription_token.enabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                         /* CF-76 */
    { "client.subscription_token", CONFIG_BLOCK, NULL, CONFIG_BUILT, .table = &CONFIG_TABLE_TOKEN },  /* CF-77 */
    { "client.allow_anonymous_connect_without_token", CONFIG_BOOL, NULL, CONFIG_BUILT },              /* CF-78 */
    { "client.disallow_anonymous_connection_tokens", CONFIG_BOOL, NULL, CONFIG_BUILT },               /* CF-79 */
    { "client.ping_interval", CONFIG_DURATION, "25s", CONFIG_BUILT },                                 /* CF-80 */
    { "client.pong_timeout", CONFIG_DURATION, "8s", CONFIG_BUILT },                                   /* CF-81 */
    { "client.expired_close_delay", CONFIG_DURATION, "25s", CONFIG_BUILT },                           /* CF-82 */
    { "client.expired_sub_close_delay", CONFIG_DURATION, "25s", CONFIG_BUILT },                       /* CF-83 */
    { "client.stale_close_delay", CONFIG_DURATION, "10s", CONFIG_BUILT },                             /* CF-84 */
    { "client.channel_limit", CONFIG_INT, "128", CONFIG_BUILT, .min = 1, .max = 2147483647 },         /* CF-85 */
    { "client.queue_max_size", CONFIG_INT, "1048576", CONFIG_BUILT, .min = 1024, .max = 2147483647 }, /* CF-86 */
    { "client.presence_update_interval", CONFIG_DURATION, "27s", CONFIG_BUILT },                      /* CF-87 */
    { "client.concurrency", CONFIG_INT, NULL, CONFIG_PART },                                          /* CF-88 */
    { "client.channel_position_check_delay", CONFIG_DURATION, "40s", CONFIG_BUILT },                  /* CF-89 */
    { "client.channel_position_max_time_lag", CONFIG_DURATION, NULL, CONFIG_BUILT },                  /* CF-90 */
    { "client.connection_limit", CONFIG_INT, NULL, CONFIG_BUILT },                                    /* CF-91 */
    { "client.user_connection_limit", CONFIG_INT, NULL, CONFIG_BUILT },                               /* CF-92 */
    { "client.connection_rate_limit", CONFIG_INT, NULL, CONFIG_BUILT },                               /* CF-93 */
    { "client.connect_include_server_time", CONFIG_BOOL, NULL, CONFIG_BUILT },                        /* CF-94 */
    { "client.history_max_publication_limit", CONFIG_INT, "300", CONFIG_BUILT, .min = 1,
      .max = 2147483647 }, /* CF-95 */
    { "client.recovery_max_publication_limit", CONFIG_INT, "300", CONFIG_BUILT, .min = 1,
      .max = 2147483647 },                                                                    /* CF-96 */
    { "client.insecure_skip_token_signature_verify", CONFIG_BOOL, NULL, CONFIG_BUILT },       /* CF-97 */
    { "client.user_id_http_header", CONFIG_TEXT, NULL, CONFIG_BUILT },                        /* CF-98 */
    { "client.insecure", CONFIG_BOOL, NULL, CONFIG_BUILT },                                   /* CF-99 */
    { "client.subscribe_to_user_personal_channel.enabled", CONFIG_BOOL, NULL, CONFIG_BUILT }, /* CF-100 */
    { "client.subscribe_to_user_personal_channel.personal_channel_namespace", CONFIG_TEXT, NULL,
      CONFIG_BUILT },                                                                                       /* CF-101 */
    { "client.subscribe_to_user_personal_channel.single_connection", CONFIG_BOOL, NULL, CONFIG_BUILT },     /* CF-102 */
    { "client.connect_code_to_unidirectional_disconnect.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },         /* CF-103 */
    { "client.connect_code_to_unidirectional_disconnect.transforms", CONFIG_ANY, NULL, CONFIG_PART },       /* CF-104 */
    { "channel.proxy.subscribe", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },           /* CF-105 */
    { "channel.proxy.publish", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },             /* CF-105 */
    { "channel.proxy.sub_refresh", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },         /* CF-105 */
    { "channel.proxy.subscribe_stream", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },    /* CF-105 */
    { "channel.proxy.map_publish", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },         /* CF-105 */
    { "channel.proxy.map_remove", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },          /* CF-105 */
    { "channel.proxy.shared_poll_refresh", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY }, /* CF-105 */
    { "channel.without_namespace", CONFIG_BLOCK, NULL, CONFIG_BUILT, .table = &CONFIG_TABLE_CHANNEL },      /* CF-106 */
    { "channel.namespaces", CONFIG_ITEMS, NULL, CONFIG_BUILT, .table = &CONFIG_TABLE_NAMESPACE },           /* CF-107 */
    { "channel.history_meta_ttl", CONFIG_DURATION, "720h", CONFIG_BUILT, .flags = CONFIG_WHOLE_SECONDS },   /* CF-108 */
    { "channel.publication_data_format", CONFIG_TEXT, NULL, CONFIG_BUILT },                                 /* CF-109 */
    { "channel.max_length", CONFIG_INT, "255", CONFIG_BUILT, .min = 1, .max = 65536 },                      /* CF-110 */
    { "channel.private_prefix", CONFIG_TEXT, "$", CONFIG_BUILT, .flags = CONFIG_EMPTY_COUNTS },             /* CF-111 */
    { "channel.namespace_boundary", CONFIG_TEXT, ":", CONFIG_BUILT, .flags = CONFIG_EMPTY_COUNTS },         /* CF-112 */
    { "channel.user_boundary", CONFIG_TEXT, "#", CONFIG_BUILT, .flags = CONFIG_EMPTY_COUNTS },              /* CF-113 */
    { "channel.user_separator", CONFIG_TEXT, ",", CONFIG_BUILT, .flags = CONFIG_EMPTY_COUNTS },             /* CF-114 */
    { "rpc.proxy", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_PROXY },                         /* CF-115 */
    { "rpc.without_namespace.proxy_enabled", CONFIG_BOOL, NULL, CONFIG_REFUSE },                            /* CF-116 */
    { "rpc.without_namespace.proxy_name", CONFIG_TEXT, "default", CONFIG_PART },                            /* CF-117 */
    { "rpc.namespaces", CONFIG_ITEMS, NULL, CONFIG_PART, .table = &CONFIG_TABLE_RPC_NAMESPACE },            /* CF-118 */
    { "rpc.ping.enabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                                /* CF-119 */
    { "rpc.ping.method", CONFIG_TEXT, "ping", CONFIG_BUILT },                                               /* CF-120 */
    { "rpc.namespace_boundary", CONFIG_TEXT, ":", CONFIG_PART, .flags = CONFIG_EMPTY_COUNTS },              /* CF-121 */
    { "proxies", CONFIG_ITEMS, NULL, CONFIG_PART, .table = &CONFIG_TABLE_NAMED_PROXY },                     /* CF-122 */
    { "http_api.disabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                               /* CF-123 */
    { "http_api.handler_prefix", CONFIG_TEXT, "/api", CONFIG_BUILT },                                       /* CF-124 */
    { "http_api.key", CONFIG_TEXT, NULL, CONFIG_BUILT, .flags = CONFIG_SECRET },                            /* CF-125 */
    { "http_api.error_mode", CONFIG_TEXT, NULL, CONFIG_BUILT },                                             /* CF-126 */
    { "http_api.external", CONFIG_BOOL, NULL, CONFIG_BUILT },                                               /* CF-127 */
    { "http_api.insecure", CONFIG_BOOL, NULL, CONFIG_BUILT },                                               /* CF-128 */
    { "http_api.max_request_body_size", CONFIG_INT, "4194304", CONFIG_BUILT, .min = 1024, .max = 1073741824 }, /* own */
    { "grpc_api.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                             /* CF-129 */
    { "grpc_api.error_mode", CONFIG_TEXT, NULL, CONFIG_PART },                                          /* CF-130 */
    { "grpc_api.address", CONFIG_TEXT, NULL, CONFIG_PART },                                             /* CF-131 */
    { "grpc_api.port", CONFIG_INT, "10000", CONFIG_PART, .min = 1, .max = 65535 },                      /* CF-132 */
    { "grpc_api.key", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },                         /* CF-133 */
    { "grpc_api.tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },                    /* CF-134 */
    { "grpc_api.reflection", CONFIG_BOOL, NULL, CONFIG_PART },                                          /* CF-135 */
    { "grpc_api.max_receive_message_size", CONFIG_INT, NULL, CONFIG_PART },                             /* CF-136 */
    { "consumers", CONFIG_ITEMS, NULL, CONFIG_PART, .table = &CONFIG_TABLE_CONSUMER },                  /* CF-137 */
    { "websocket.disabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                          /* CF-138 */
    { "websocket.handler_prefix", CONFIG_TEXT, "/connection/websocket", CONFIG_BUILT },                 /* CF-139 */
    { "websocket.compression", CONFIG_BOOL, NULL, CONFIG_BUILT },                                       /* CF-140 */
    { "websocket.compression_min_size", CONFIG_INT, NULL, CONFIG_BUILT },                               /* CF-141 */
    { "websocket.compression_level", CONFIG_INT, "1", CONFIG_BUILT, .min = -2, .max = 9 },              /* CF-142 */
    { "websocket.read_buffer_size", CONFIG_INT, NULL, CONFIG_PART },                                    /* CF-143 */
    { "websocket.use_write_buffer_pool", CONFIG_BOOL, NULL, CONFIG_PART },                              /* CF-144 */
    { "websocket.write_buffer_size", CONFIG_INT, NULL, CONFIG_PART },                                   /* CF-145 */
    { "websocket.write_timeout", CONFIG_DURATION, "1000ms", CONFIG_BUILT },                             /* CF-146 */
    { "websocket.message_size_limit", CONFIG_INT, "65536", CONFIG_BUILT, .min = 1, .max = 2147483647 }, /* CF-147 */
    { "websocket.decompressed_message_size_limit", CONFIG_INT, NULL, CONFIG_BUILT, .min = 0,
      .max = 2147483647 },                                                                         /* CF-148 */
    { "sse.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                             /* CF-149 */
    { "sse.handler_prefix", CONFIG_TEXT, "/connection/sse", CONFIG_PART },                         /* CF-150 */
    { "sse.max_request_body_size", CONFIG_INT, "65536", CONFIG_PART },                             /* CF-151 */
    { "http_stream.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                     /* CF-152 */
    { "http_stream.handler_prefix", CONFIG_TEXT, "/connection/http_stream", CONFIG_PART },         /* CF-153 */
    { "http_stream.max_request_body_size", CONFIG_INT, "65536", CONFIG_PART },                     /* CF-154 */
    { "webtransport.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                    /* CF-155 */
    { "webtransport.handler_prefix", CONFIG_TEXT, "/connection/webtransport", CONFIG_PART },       /* CF-156 */
    { "webtransport.message_size_limit", CONFIG_INT, "65536", CONFIG_PART },                       /* CF-157 */
    { "uni_sse.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                         /* CF-158 */
    { "uni_sse.handler_prefix", CONFIG_TEXT, "/connection/uni_sse", CONFIG_PART },                 /* CF-159 */
    { "uni_sse.max_request_body_size", CONFIG_INT, "65536", CONFIG_PART },                         /* CF-160 */
    { "uni_sse.connect_code_to_http_response.enabled", CONFIG_BOOL, NULL, CONFIG_PART },           /* CF-161 */
    { "uni_sse.connect_code_to_http_response.transforms", CONFIG_ANY, NULL, CONFIG_PART },         /* CF-162 */
    { "uni_http_stream.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                 /* CF-163 */
    { "uni_http_stream.handler_prefix", CONFIG_TEXT, "/connection/uni_http_stream", CONFIG_PART }, /* CF-164 */
    { "uni_http_stream.max_request_body_size", CONFIG_INT, "65536", CONFIG_PART },                 /* CF-165 */
    { "uni_http_stream.connect_code_to_http_response.enabled", CONFIG_BOOL, NULL, CONFIG_PART },   /* CF-166 */
    { "uni_http_stream.connect_code_to_http_response.transforms", CONFIG_ANY, NULL, CONFIG_PART }, /* CF-167 */
    { "uni_websocket.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                   /* CF-168 */
    { "uni_websocket.handler_prefix", CONFIG_TEXT, "/connection/uni_websocket", CONFIG_PART },     /* CF-169 */
    { "uni_websocket.compression", CONFIG_BOOL, NULL, CONFIG_PART },                               /* CF-170 */
    { "uni_websocket.compression_min_size", CONFIG_INT, NULL, CONFIG_PART },                       /* CF-171 */
    { "uni_websocket.compression_level", CONFIG_INT, "1", CONFIG_PART, .min = -2, .max = 9 },      /* CF-172 */
    { "uni_websocket.read_buffer_size", CONFIG_INT, NULL, CONFIG_PART },                           /* CF-173 */
    { "uni_websocket.use_write_buffer_pool", CONFIG_BOOL, NULL, CONFIG_PART },                     /* CF-174 */
    { "uni_websocket.write_buffer_size", CONFIG_INT, NULL, CONFIG_PART },                          /* CF-175 */
    { "uni_websocket.write_timeout", CONFIG_DURATION, "1000ms", CONFIG_PART },                     /* CF-176 */
    { "uni_websocket.message_size_limit", CONFIG_INT, "65536", CONFIG_PART },                      /* CF-177 */
    { "uni_websocket.decompressed_message_size_limit", CONFIG_INT, NULL, CONFIG_PART },            /* CF-178 */
    { "uni_websocket.disable_closing_handshake", CONFIG_BOOL, NULL, CONFIG_PART },                 /* CF-179 */
    { "uni_websocket.disable_disconnect_push", CONFIG_BOOL, NULL, CONFIG_PART },                   /* CF-180 */
    { "uni_websocket.join_push_messages", CONFIG_BOOL, NULL, CONFIG_PART },                        /* CF-181 */
    { "uni_grpc.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                        /* CF-182 */
    { "uni_grpc.address", CONFIG_TEXT, NULL, CONFIG_PART },                                        /* CF-183 */
    { "uni_grpc.port", CONFIG_INT, "11000", CONFIG_PART, .min = 1, .max = 65535 },                 /* CF-184 */
    { "uni_grpc.max_receive_message_size", CONFIG_INT, NULL, CONFIG_PART },                        /* CF-185 */
    { "uni_grpc.tls", CONFIG_BLOCK, NULL, CONFIG_PART, .table = &CONFIG_TABLE_TLS },               /* CF-186 */
    { "emulation.handler_prefix", CONFIG_TEXT, "/emulation", CONFIG_PART },                        /* CF-187 */
    { "emulation.max_request_body_size", CONFIG_INT, "65536", CONFIG_PART },                       /* CF-188 */
    { "admin.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                           /* CF-189 */
    { "admin.handler_prefix", CONFIG_TEXT, NULL, CONFIG_PART },                                    /* CF-190 */
    { "admin.password", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },                  /* CF-191 */
    { "admin.secret", CONFIG_TEXT, NULL, CONFIG_PART, .flags = CONFIG_SECRET },                    /* CF-192 */
    { "admin.insecure", CONFIG_BOOL, NULL, CONFIG_PART },                                          /* CF-193 */
    { "admin.web_path", CONFIG_TEXT, NULL, CONFIG_PART },                                          /* CF-194 */
    { "admin.web_proxy_address", CONFIG_TEXT, NULL, CONFIG_PART },                                 /* CF-195 */
    { "admin.external", CONFIG_BOOL, NULL, CONFIG_PART },                                          /* CF-196 */
    { "prometheus.enabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                     /* CF-197 */
    { "prometheus.handler_prefix", CONFIG_TEXT, "/metrics", CONFIG_BUILT },                        /* CF-198 */
    { "prometheus.instrument_http_handlers", CONFIG_BOOL, NULL, CONFIG_BUILT },                    /* CF-199 */
    { "prometheus.recovered_publications_histogram", CONFIG_BOOL, NULL, CONFIG_BUILT },            /* CF-200 */
    { "prometheus.native_histograms", CONFIG_BOOL, NULL, CONFIG_WARN },                            /* CF-201 */
    { "health.enabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                         /* CF-202 */
    { "health.handler_prefix", CONFIG_TEXT, "/health", CONFIG_BUILT },                             /* CF-203 */
    { "swagger.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                         /* CF-204 */
    { "swagger.handler_prefix", CONFIG_TEXT, "/swagger", CONFIG_PART },                            /* CF-205 */
    { "debug.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                           /* CF-206 */
    { "debug.handler_prefix", CONFIG_TEXT, "/debug/pprof", CONFIG_PART },                          /* CF-207 */
    { "init.enabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                           /* CF-208 */
    { "init.handler_prefix", CONFIG_TEXT, "/connection/init", CONFIG_BUILT },                      /* CF-209 */
    { "opentelemetry.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                   /* CF-210 */
    { "opentelemetry.api", CONFIG_BOOL, NULL, CONFIG_PART },                                       /* CF-211 */
    { "opentelemetry.consuming", CONFIG_BOOL, NULL, CONFIG_PART },                                 /* CF-212 */
    { "opentelemetry.google_cloud_adc_auth", CONFIG_BOOL, NULL, CONFIG_PART },                     /* CF-213 */
    { "graphite.enabled", CONFIG_BOOL, NULL, CONFIG_WARN },                                        /* CF-214 */
    { "graphite.host", CONFIG_TEXT, "localhost", CONFIG_PART },                                    /* CF-215 */
    { "graphite.port", CONFIG_INT, "2003", CONFIG_PART, .min = 1, .max = 65535 },                  /* CF-216 */
    { "graphite.prefix", CONFIG_TEXT, "centrifugo", CONFIG_PART },                                 /* CF-217 */
    { "graphite.interval", CONFIG_DURATION, "10s", CONFIG_PART },                                  /* CF-218 */
    { "graphite.tags", CONFIG_BOOL, NULL, CONFIG_PART },                                           /* CF-219 */
    { "usage_stats.disabled", CONFIG_BOOL, NULL, CONFIG_BUILT },                                   /* CF-220 */
    { "node.name", CONFIG_TEXT, NULL, CONFIG_BUILT },                                              /* CF-221 */
    { "node.info_metrics_aggregate_interval", CONFIG_DURATION, "60s", CONFIG_BUILT },              /* CF-222 */
    { "shutdown.timeout", CONFIG_DURATION, "30s", CONFIG_BUILT },                                  /* CF-223 */
    { "pid_file", CONFIG_TEXT, NULL, CONFIG_BUILT },                                               /* CF-224 */
    { "enable_unreleased_features", CONFIG_BOOL, NULL, CONFIG_WARN },                              /* CF-225 */
    { "trusted_proxies", CONFIG_STRINGS, NULL, CONFIG_BUILT }, /* own: addresses and CIDR blocks */
};
/* clang-format on */

static const struct config_table TOP_TABLE = { TOP, ARRAY_COUNT(TOP) };

const struct config_table *config_table_top(void)
{
    return &TOP_TABLE;
}
