/* metrics_list: every metric and every label value, as lists that make the enums,
 * the storage and the text. A new metric or label value is one line here.
 * Names, types and help follow Centrifugo's, which dashboards know; the prefix
 * "centrifugo_" is added when they are written. */
#ifndef XSHATHRA_METRICS_METRICS_LIST_H
#define XSHATHRA_METRICS_METRICS_LIST_H

/* The lists are tables. */
/* clang-format off */

/* Label values: X(kind, name, text). ---------------------------------------------- */

#define METRIC_ACTION_LIST(X, K) \
    X(K, ADD_CLIENT, "add_client") \
    X(K, REMOVE_CLIENT, "remove_client") \
    X(K, ADD_SUBSCRIPTION, "add_subscription") \
    X(K, REMOVE_SUBSCRIPTION, "remove_subscription") \
    X(K, BROKER_SUBSCRIBE, "broker_subscribe") \
    X(K, BROKER_UNSUBSCRIBE, "broker_unsubscribe") \
    X(K, ADD_PRESENCE, "add_presence") \
    X(K, REMOVE_PRESENCE, "remove_presence") \
    X(K, PRESENCE, "presence") \
    X(K, PRESENCE_STATS, "presence_stats") \
    X(K, HISTORY, "history") \
    X(K, HISTORY_RECOVER, "history_recover") \
    X(K, HISTORY_RECOVER_CACHE, "history_recover_cache") \
    X(K, HISTORY_STREAM_TOP, "history_stream_top") \
    X(K, HISTORY_REMOVE, "history_remove") \
    X(K, SURVEY, "survey") \
    X(K, NOTIFY, "notify") \
    X(K, MAP_PUBLISH, "map_publish") \
    X(K, MAP_REMOVE, "map_remove") \
    X(K, MAP_STATE_READ, "map_state_read") \
    X(K, MAP_STREAM_READ, "map_stream_read") \
    X(K, MAP_STATS, "map_stats") \
    X(K, MAP_CLEAR, "map_clear") \
    X(K, MAP_SUBSCRIBE_STATE_TO_LIVE, "map_subscribe_state_to_live") \
    X(K, MAP_SUBSCRIBE_STREAM_TO_LIVE, "map_subscribe_stream_to_live") \
    X(K, MAP_SUBSCRIBE_RECOVERY_JOIN, "map_subscribe_recovery_join")

#define METRIC_MESSAGE_LIST(X, K) \
    X(K, PUBLICATION, "publication") \
    X(K, JOIN, "join") \
    X(K, LEAVE, "leave") \
    X(K, CONTROL, "control") \
    X(K, MAP_PUBLICATION, "map_publication") \
    X(K, MAP_REMOVAL, "map_removal")

#define METRIC_METHOD_LIST(X, K) \
    X(K, CONNECT, "connect") \
    X(K, SUBSCRIBE, "subscribe") \
    X(K, UNSUBSCRIBE, "unsubscribe") \
    X(K, PUBLISH, "publish") \
    X(K, PRESENCE, "presence") \
    X(K, PRESENCE_STATS, "presence_stats") \
    X(K, HISTORY, "history") \
    X(K, RPC, "rpc") \
    X(K, SEND, "send") \
    X(K, REFRESH, "refresh") \
    X(K, SUB_REFRESH, "sub_refresh") \
    X(K, UNKNOWN, "unknown")

/* Begins with the methods, so a METRIC_METHOD_… is also a METRIC_FRAME_… */
#define METRIC_FRAME_LIST(X, K) \
    METRIC_METHOD_LIST(X, K) \
    X(K, PUSH_PUBLICATION, "push_publication") \
    X(K, PUSH_JOIN, "push_join") \
    X(K, PUSH_LEAVE, "push_leave") \
    X(K, PUSH_UNSUBSCRIBE, "push_unsubscribe") \
    X(K, PUSH_MESSAGE, "push_message") \
    X(K, PUSH_SUBSCRIBE, "push_subscribe") \
    X(K, PUSH_CONNECT, "push_connect") \
    X(K, PUSH_DISCONNECT, "push_disconnect") \
    X(K, PUSH_REFRESH, "push_refresh") \
    X(K, SERVER_PING, "server_ping") \
    X(K, CLIENT_PONG, "client_pong")

#define METRIC_TRANSPORT_LIST(X, K) \
    X(K, WEBSOCKET, "websocket") \
    X(K, SSE, "sse") \
    X(K, HTTP_STREAM, "http_stream") \
    X(K, UNI_WEBSOCKET, "uni_websocket") \
    X(K, UNI_SSE, "uni_sse") \
    X(K, UNI_HTTP_STREAM, "uni_http_stream") \
    X(K, UNI_GRPC, "uni_grpc")

/* No client names or versions are registered, so each is absent or unregistered. */
#define METRIC_CLIENT_NAME_LIST(X, K) \
    X(K, UNNAMED, "unnamed") \
    X(K, UNREGISTERED, "unregistered")

#define METRIC_CLIENT_VERSION_LIST(X, K) \
    X(K, UNVERSIONED, "unversioned") \
    X(K, UNREGISTERED, "unregistered")

#define METRIC_SURVEY_LIST(X, K) \
    X(K, CHANNELS, "channels")

#define METRIC_SUPPRESSED_LIST(X, K) \
    X(K, IDEMPOTENCY, "idempotency") \
    X(K, VERSION, "version")

#define METRIC_NO_YES_LIST(X, K) \
    X(K, NO, "no") \
    X(K, YES, "yes")

#define METRIC_API_METHOD_LIST(X, K) \
    X(K, BATCH, "batch") \
    X(K, PUBLISH, "publish") \
    X(K, BROADCAST, "broadcast") \
    X(K, BROADCAST_PUBLISH, "broadcast_publish") \
    X(K, SUBSCRIBE, "subscribe") \
    X(K, UNSUBSCRIBE, "unsubscribe") \
    X(K, DISCONNECT, "disconnect") \
    X(K, REFRESH, "refresh") \
    X(K, PRESENCE, "presence") \
    X(K, PRESENCE_STATS, "presence_stats") \
    X(K, HISTORY, "history") \
    X(K, HISTORY_REMOVE, "history_remove") \
    X(K, INFO, "info") \
    X(K, RPC, "rpc") \
    X(K, CHANNELS, "channels") \
    X(K, MAP_PUBLISH, "map_publish") \
    X(K, MAP_REMOVE, "map_remove") \
    X(K, MAP_READ_STATE, "map_read_state") \
    X(K, MAP_READ_STREAM, "map_read_stream") \
    X(K, MAP_STATS, "map_stats") \
    X(K, MAP_CLEAR, "map_clear") \
    X(K, OTHER, "other")

/* Why a change of a map was not made: enum map_suppress without its first. */
#define METRIC_REASON_LIST(X, K) \
    X(K, IDEMPOTENCY, "idempotency") \
    X(K, VERSION, "version") \
    X(K, KEY_EXISTS, "key_exists") \
    X(K, KEY_NOT_FOUND, "key_not_found") \
    X(K, POSITION_MISMATCH, "position_mismatch")

/* Label values that are numbers met at run time: X(number), then "other". --- */

#define METRIC_ERROR_CODE_LIST(X) \
    X(100) X(101) X(102) X(103) X(104) X(105) X(106) X(107) X(108) X(109) X(110) X(111) X(112) X(113)

#define METRIC_DISCONNECT_CODE_LIST(X) \
    X(3000) \
    X(3001) X(3003) X(3004) X(3005) X(3006) X(3008) X(3009) X(3010) X(3011) X(3012) X(3013) X(3014) X(3500) X(3501) \
        X(3502) X(3503) X(3504) X(3505) X(3506) X(3507) X(3508) X(3509)

#define METRIC_UNSUBSCRIBE_CODE_LIST(X) X(0) X(1) X(2000) X(2500) X(2501) X(2502)

#define METRIC_CLOSE_CODE_LIST(X) \
    X(1000) \
    X(1001) X(1002) X(1003) X(1007) X(1008) X(1009) X(1010) X(1011) X(1012) X(1013) METRIC_DISCONNECT_CODE_LIST(X)

/* Labels: X(kind, label name, values), values being texts or numbers. ------- */

#define METRIC_TEXT_LABEL_LIST(X) \
    X(ACTION, "action", METRIC_ACTION_LIST) \
    X(MESSAGE, "type", METRIC_MESSAGE_LIST) \
    X(METHOD, "method", METRIC_METHOD_LIST) \
    X(FRAME, "frame_type", METRIC_FRAME_LIST) \
    X(TRANSPORT, "transport", METRIC_TRANSPORT_LIST) \
    X(CLIENT_NAME, "client_name", METRIC_CLIENT_NAME_LIST) \
    X(CLIENT_VERSION, "client_version", METRIC_CLIENT_VERSION_LIST) \
    X(RECOVERED, "recovered", METRIC_NO_YES_LIST) \
    X(HAS_PUBLICATIONS, "has_recovered_publications", METRIC_NO_YES_LIST) \
    X(API_METHOD, "method", METRIC_API_METHOD_LIST) \
    X(SURVEY, "op", METRIC_SURVEY_LIST) \
    X(SUPPRESSED, "reason", METRIC_SUPPRESSED_LIST) \
    X(REASON, "reason", METRIC_REASON_LIST)

#define METRIC_CODE_LABEL_LIST(X) \
    X(ERROR_CODE, "code", METRIC_ERROR_CODE_LIST) \
    X(API_ERROR, "error", METRIC_ERROR_CODE_LIST) \
    X(DISCONNECT_CODE, "code", METRIC_DISCONNECT_CODE_LIST) \
    X(UNSUBSCRIBE_CODE, "code", METRIC_UNSUBSCRIBE_CODE_LIST) \
    X(CLOSE_CODE, "code", METRIC_CLOSE_CODE_LIST)

/* Counters and gauges: X(id, type, name, up to three labels, constant labels, when, help).
 * ALWAYS writes each series; TOUCHED only those that are not zero. ----------- */

#define METRIC_NAMESPACE_LABEL "channel_namespace=\"\""

#define METRIC_LIST(X) \
    X(NODE_ACTION_COUNT, COUNTER, "node_action_count", ACTION, NONE, NONE, METRIC_NAMESPACE_LABEL, ALWAYS, \
      "Number of various actions called.") \
    X(NODE_NUM_CLIENTS, GAUGE, "node_num_clients", NONE, NONE, NONE, "", ALWAYS, "Number of clients connected.") \
    X(NODE_NUM_USERS, GAUGE, "node_num_users", NONE, NONE, NONE, "", ALWAYS, "Number of unique users connected.") \
    X(NODE_NUM_SUBSCRIPTIONS, GAUGE, "node_num_subscriptions", NONE, NONE, NONE, "", ALWAYS, \
      "Number of subscriptions.") \
    X(NODE_NUM_CHANNELS, GAUGE, "node_num_channels", NONE, NONE, NONE, "", ALWAYS, \
      "Number of channels with one or more subscribers.") \
    X(NODE_NUM_NODES, GAUGE, "node_num_nodes", NONE, NONE, NONE, "", ALWAYS, "Number of nodes in the cluster.") \
    X(NODE_MESSAGES_SENT, COUNTER, "node_messages_sent_count", MESSAGE, NONE, NONE, METRIC_NAMESPACE_LABEL, ALWAYS, \
      "Number of messages sent by node to broker.") \
    X(NODE_MESSAGES_RECEIVED, COUNTER, "node_messages_received_count", MESSAGE, NONE, NONE, METRIC_NAMESPACE_LABEL, \
      ALWAYS, "Number of messages received from broker.") \
    X(NODE_TAGS_FILTER_DROPPED, COUNTER, "node_tags_filter_dropped_publications", NONE, NONE, NONE,                   \
      METRIC_NAMESPACE_LABEL, ALWAYS, "Number of publications dropped due to tags filtering.")                       \
    X(MAP_BROKER_PUBLISH_SUPPRESSED, COUNTER, "map_broker_publish_suppressed_count", REASON, NONE, NONE, \
      METRIC_NAMESPACE_LABEL, TOUCHED, "Number of suppressed map publish operations.") \
    X(MAP_BROKER_REMOVE_SUPPRESSED, COUNTER, "map_broker_remove_suppressed_count", REASON, NONE, NONE, \
      METRIC_NAMESPACE_LABEL, TOUCHED, "Number of suppressed map remove operations.") \
    X(MAP_BROKER_CLEANUP_LAG, GAUGE, "map_broker_cleanup_lag_seconds", NONE, NONE, NONE, "broker_name=\"\"", ALWAYS, \
      "How late, in whole seconds, the oldest expired key of a map was in the last cleanup.") \
    X(MAP_BROKER_CLEANUP_REMOVED, COUNTER, "map_broker_cleanup_removed_count", NONE, NONE, NONE, \
      "broker_name=\"\"", ALWAYS, "Total number of expired entries removed by cleanup.") \
    X(MAP_BROKER_CLEANUP_ERRORS, COUNTER, "map_broker_cleanup_errors_count", NONE, NONE, NONE, \
      "broker_name=\"\"", TOUCHED, "Total number of errors during cleanup.") \
    X(NODE_CLIENT_CONNECTION_LIMIT, COUNTER, "node_client_connection_limit", NONE, NONE, NONE, "", ALWAYS, \
      "Number of refused requests due to node client connection limit.") \
    X(CLIENT_REPLY_ERRORS, COUNTER, "client_num_reply_errors", METHOD, ERROR_CODE, NONE, METRIC_NAMESPACE_LABEL, \
      TOUCHED, "Number of errors in replies sent to clients.") \
    X(CLIENT_SERVER_UNSUBSCRIBES, COUNTER, "client_num_server_unsubscribes", UNSUBSCRIBE_CODE, NONE, NONE, \
      METRIC_NAMESPACE_LABEL, TOUCHED, "Number of server initiated unsubscribes.") \
    X(CLIENT_SERVER_DISCONNECTS, COUNTER, "client_num_server_disconnects", DISCONNECT_CODE, NONE, NONE, "", TOUCHED, \
      "Number of server initiated disconnects.") \
    X(CLIENT_RECOVER, COUNTER, "client_recover", RECOVERED, HAS_PUBLICATIONS, NONE, METRIC_NAMESPACE_LABEL, TOUCHED, \
      "Count of recover operations with success/fail resolution.") \
    X(CLIENT_CONNECTIONS_ACCEPTED, COUNTER, "client_connections_accepted", TRANSPORT, CLIENT_NAME, CLIENT_VERSION, \
      "accept_protocol=\"\"", TOUCHED, "Count of accepted transports.") \
    X(CLIENT_CONNECTIONS_INFLIGHT, GAUGE, "client_connections_inflight", TRANSPORT, CLIENT_NAME, CLIENT_VERSION, \
      "accept_protocol=\"\"", ALWAYS, "Number of inflight client connections.") \
    X(CLIENT_SUBSCRIPTIONS_ACCEPTED, COUNTER, "client_subscriptions_accepted", CLIENT_NAME, NONE, NONE, \
      METRIC_NAMESPACE_LABEL, TOUCHED, "Count of accepted client subscriptions.") \
    X(CLIENT_SUBSCRIPTIONS_INFLIGHT, GAUGE, "client_subscriptions_inflight", CLIENT_NAME, NONE, NONE, \
      METRIC_NAMESPACE_LABEL, ALWAYS, "Number of inflight client subscriptions.") \
    X(TRANSPORT_MESSAGES_SENT, COUNTER, "transport_messages_sent", TRANSPORT, FRAME, NONE, METRIC_NAMESPACE_LABEL, \
      TOUCHED, "Number of messages sent to client connections over specific transport.") \
    X(TRANSPORT_MESSAGES_SENT_SIZE, COUNTER, "transport_messages_sent_size", TRANSPORT, FRAME, NONE, \
      METRIC_NAMESPACE_LABEL, TOUCHED, "Bytes of messages sent to client connections, without framing overhead.") \
    X(TRANSPORT_MESSAGES_RECEIVED, COUNTER, "transport_messages_received", TRANSPORT, FRAME, NONE, \
      METRIC_NAMESPACE_LABEL, TOUCHED, "Number of messages received from client connections over specific transport.") \
    X(TRANSPORT_MESSAGES_RECEIVED_SIZE, COUNTER, "transport_messages_received_size", TRANSPORT, FRAME, NONE, \
      METRIC_NAMESPACE_LABEL, TOUCHED, \
      "Bytes of messages received from client connections, without framing overhead.") \
    X(TRANSPORT_OUTGOING_CLOSE, COUNTER, "transport_outgoing_close_count", TRANSPORT, CLOSE_CODE, NONE, "", TOUCHED, \
      "Number of close frames sent to clients, by transport and code.") \
    X(BROKER_PUBLISH_SUPPRESSED, COUNTER, "broker_publish_suppressed_count", SUPPRESSED, NONE, NONE, \
      METRIC_NAMESPACE_LABEL, TOUCHED, "Number of suppressed publish operations.") \
    X(API_COMMAND_ERRORS, COUNTER, "api_command_errors_total", API_METHOD, API_ERROR, NONE, "protocol=\"http\"", \
      TOUCHED, "Total errors in API commands.")

/* Histograms, of seconds but for one: X(id, name, bounds, label, constant labels, form, help).
 * WITH_SUMMARY writes <name> as a summary, and <name>_histogram. Its quantiles are
 * estimated from the histogram. */

#define METRIC_BOUNDS_COMMAND(X) \
    X(0.0001) \
    X(0.00025) X(0.0005) X(0.001) X(0.005) X(0.01) X(0.025) X(0.05) X(0.1) X(0.25) X(0.5) X(1) X(2.5) X(5) X(10)

#define METRIC_BOUNDS_BROADCAST(X) \
    X(1e-06) \
    X(5e-06) X(1e-05) X(5e-05) X(0.0001) X(0.00025) X(0.0005) X(0.001) X(0.005) X(0.01) X(0.025) X(0.05) X(0.1) \
        X(0.25) X(0.5) X(1) X(2.5) X(5) X(10)

#define METRIC_BOUNDS_API(X) X(0.005) X(0.01) X(0.025) X(0.05) X(0.1) X(0.25) X(0.5) X(1) X(2.5) X(5) X(10)

#define METRIC_BOUNDS_SURVEY(X) X(0.001) X(0.005) X(0.01) X(0.025) X(0.05) X(0.1) X(0.25) X(0.5) X(1) X(2.5) X(5) X(10)

#define METRIC_BOUNDS_LAG(X) X(0.001) X(0.005) X(0.01) X(0.025) X(0.05) X(0.1) X(0.2) X(0.5) X(1) X(2) X(5) X(10)

#define METRIC_BOUNDS_RECOVERED(X) \
    X(0) X(1) X(2) X(3) X(5) X(10) X(20) X(50) X(100) X(250) X(500) X(1000) X(2000) X(5000) X(10000)

#define METRIC_HISTOGRAM_LIST(X) \
    X(NODE_SURVEY_DURATION, "node_survey_duration_seconds", METRIC_BOUNDS_SURVEY, SURVEY, "", WITH_SUMMARY, \
      "Survey duration.") \
    X(NODE_PUB_SUB_LAG, "node_pub_sub_lag_seconds", METRIC_BOUNDS_LAG, NONE, METRIC_NAMESPACE_LABEL, PLAIN, \
      "Pub sub lag in seconds") \
    X(CLIENT_RECOVERED_PUBLICATIONS, "client_recovered_publications", METRIC_BOUNDS_RECOVERED, NONE, \
      METRIC_NAMESPACE_LABEL, PLAIN, "Number of publications recovered during subscription recovery.") \
    X(NODE_BROADCAST_DURATION, "node_broadcast_duration_seconds", METRIC_BOUNDS_BROADCAST, MESSAGE, \
      METRIC_NAMESPACE_LABEL, PLAIN, "Broadcast duration in seconds") \
    X(CLIENT_COMMAND_DURATION, "client_command_duration_seconds", METRIC_BOUNDS_COMMAND, METHOD, \
      METRIC_NAMESPACE_LABEL, WITH_SUMMARY, "Client command duration.") \
    X(CLIENT_PING_PONG_DURATION, "client_ping_pong_duration_seconds", METRIC_BOUNDS_COMMAND, TRANSPORT, "", PLAIN, \
      "Ping/Pong duration in seconds") \
    X(API_COMMAND_DURATION, "api_command_duration_seconds", METRIC_BOUNDS_API, API_METHOD, "protocol=\"http\"", \
      WITH_SUMMARY, "Duration of API per command.")

#endif
