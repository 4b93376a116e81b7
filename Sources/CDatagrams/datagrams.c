#define _GNU_SOURCE
#include "CDatagrams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CONTROL_BYTES 64
// Between two datagrams of a batch: at distances of a power of two their beginnings, which are all that most of them fill,
// would share the same few lines of the processor's caches.
#define GAP_BYTES (26 * 64)

struct datagram_batch {
    uint32_t capacity;
    size_t room;
    // From one datagram to the next.
    size_t stride;
    uint8_t *bytes;
    datagram *datagrams;
    struct mmsghdr *messages;
    struct iovec *vectors;
    struct sockaddr_storage *addresses;
    uint8_t *controls;
};

datagram_batch *datagram_batch_make(uint32_t capacity, size_t room) {
    datagram_batch *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    batch->capacity = capacity;
    batch->room = room;
    batch->stride = room + GAP_BYTES;
    batch->bytes = malloc(capacity * batch->stride);
    batch->datagrams = calloc(capacity, sizeof *batch->datagrams);
    batch->messages = calloc(capacity, sizeof *batch->messages);
    batch->vectors = calloc(capacity, sizeof *batch->vectors);
    batch->addresses = calloc(capacity, sizeof *batch->addresses);
    batch->controls = calloc(capacity, CONTROL_BYTES);
    if (!batch->bytes || !batch->datagrams || !batch->messages || !batch->vectors || !batch->addresses ||
        !batch->controls) {
        datagram_batch_free(batch);
        return NULL;
    }
    return batch;
}

void datagram_batch_free(datagram_batch *batch) {
    if (!batch) return;
    free(batch->bytes);
    free(batch->datagrams);
    free(batch->messages);
    free(batch->vectors);
    free(batch->addresses);
    free(batch->controls);
    free(batch);
}

const uint8_t *datagram_batch_bytes(const datagram_batch *batch) { return batch->bytes; }

const datagram *datagram_batch_at(const datagram_batch *batch, uint32_t index) { return &batch->datagrams[index]; }

int datagram_socket_open(
    const char *host, uint16_t port, int receive_buffer, int timeout_ms, int *granted, uint16_t *bound_port) {
    struct sockaddr_storage address = {0};
    socklen_t length;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        length = sizeof *v4;
    } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        length = sizeof *v6;
    } else {
        return -EADDRNOTAVAIL;
    }
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int on = 1;
    socklen_t size = sizeof *granted;
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) != 0)
        goto failed;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) goto failed;
    if (setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0) goto failed;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) goto failed;
    if (bind(fd, (struct sockaddr *)&address, length) != 0) goto failed;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, granted, &size) != 0) goto failed;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) goto failed;
    *bound_port = ntohs(address.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    return fd;
failed:;
    int error = errno;
    close(fd);
    return -error;
}

static void name_sender(const struct sockaddr_storage *from, datagram *to) {
    to->family = 0;
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
        to->family = 4;
        to->port = ntohs(v4->sin_port);
        memcpy(to->address, &v4->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
        to->port = ntohs(v6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            to->family = 4;
            memcpy(to->address, (const uint8_t *)&v6->sin6_addr + 12, 4);
        } else {
            to->family = 6;
            memcpy(to->address, &v6->sin6_addr, 16);
        }
    }
}

int datagram_batch_receive(datagram_batch *batch, int socket, uint32_t *dropped) {
    for (uint32_t index = 0; index < batch->capacity; index++) {
        batch->vectors[index].iov_base = batch->bytes + index * batch->stride;
        batch->vectors[index].iov_len = batch->room;
        struct msghdr *header = &batch->messages[index].msg_hdr;
        memset(header, 0, sizeof *header);
        header->msg_iov = &batch->vectors[index];
        header->msg_iovlen = 1;
        header->msg_name = &batch->addresses[index];
        header->msg_namelen = sizeof batch->addresses[index];
        header->msg_control = batch->controls + index * CONTROL_BYTES;
        header->msg_controllen = CONTROL_BYTES;
    }
    int count = recvmmsg(socket, batch->messages, batch->capacity, MSG_WAITFORONE, NULL);
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
    for (int index = 0; index < count; index++) {
        struct msghdr *header = &batch->messages[index].msg_hdr;
        datagram *found = &batch->datagrams[index];
        found->offset = (size_t)index * batch->stride;
        found->length = batch->messages[index].msg_len;
        found->truncated = (header->msg_flags & MSG_TRUNC) != 0;
        name_sender(&batch->addresses[index], found);
        for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
            if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL)
                memcpy(dropped, CMSG_DATA(control), sizeof *dropped);
        }
    }
    return count;
}

int datagram_socket_close(int socket) { return close(socket) == 0 ? 0 : -errno; }
