/* config_namespaces: the namespaces of a project, as JSON such as channel.namespaces has in the
 * configuration: read and checked by the same code, and made the same.
 *
 * Use: if (config_namespaces_read(json, deployment, &list, &report)) … policy_namespaces_free(&list)
 * What a project leaves open it takes from the deployment (how long meta lives, for example).
 * The JSON comes from people of a project. Pure; any thread. Stops when memory is out. */
#ifndef XSHATHRA_CONFIG_CONFIG_NAMESPACES_H
#define XSHATHRA_CONFIG_CONFIG_NAMESPACES_H

#include "config/config_report.h"
#include "json/json_writer.h"
#include "policy/policy.h"

#define CONFIG_NAMESPACES_MAX 100 /* of one project */

/* json: one JSON value. True: the caller owns *out, sorted. False: report has errors; their
 * paths begin with "namespaces". */
MUST_CHECK bool config_namespaces_read(struct slice json, const struct policy_deployment *deployment,
                                       struct policy_namespaces *out, struct config_report *report);

/* [{"name","type","default","help","allowed"?}] of every option that a namespace may have and
 * that is built, as the next value. */
void config_namespaces_schema(struct json_writer *w);

#endif
