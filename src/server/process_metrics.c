#include "server/process_metrics.h"

#include "platform/platform_process.h"

static void put_number(struct buf *out, const char *name, const char *type, const char *help, double value)
{
    buf_printf(out, "# HELP process_%s %s\n# TYPE process_%s %s\nprocess_%s %.17g\n", name, help, name, type, name,
               value);
}

void process_metrics_write(struct buf *out)
{
    struct platform_process p;
    platform_process_read(&p);
    put_number(out, "cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", p.cpu_s);
    put_number(out, "max_fds", "gauge", "Maximum number of open file descriptors.", (double)p.open_files_max);
    put_number(out, "network_receive_bytes_total", "counter",
               "Number of bytes received by the process over the network.", (double)p.received_bytes);
    put_number(out, "network_transmit_bytes_total", "counter", "Number of bytes sent by the process over the network.",
               (double)p.sent_bytes);
    put_number(out, "open_fds", "gauge", "Number of open file descriptors.", (double)p.open_files);
    put_number(out, "resident_memory_bytes", "gauge", "Resident memory size in bytes.", (double)p.resident_bytes);
    put_number(out, "start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", p.start_s);
    put_number(out, "virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", (double)p.virtual_bytes);
    put_number(out, "virtual_memory_max_bytes", "gauge", "Maximum amount of virtual memory available in bytes.",
               (double)p.virtual_bytes_max);
}
