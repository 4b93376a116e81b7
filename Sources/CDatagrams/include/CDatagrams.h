// Receives many UDP datagrams by one system call (recvmmsg), with the kernel's count of those it dropped.
//
// C because msghdr, iovec and control messages are macros and unions that Swift can not read.
#ifndef WAYBILL_DATAGRAMS_H
#define WAYBILL_DATAGRAMS_H

#include <stddef.h>
#include <stdint.h>

// One datagram of a batch.
typedef struct {
    // Where it lies in the batch's buffer. Unit: bytes.
    size_t offset;
    size_t length;
    // 4 or 6; 0 where the address is of another family.
    int32_t family;
    // The sender's address in network order: 4 or 16 bytes. An IPv4 address mapped into IPv6 is given as IPv4.
    uint8_t address[16];
    uint16_t port;
    // Longer than the room it had: what is missing can not be told.
    uint8_t truncated;
} datagram;

// A socket's batch: room for `capacity` datagrams of `room` bytes each. NULL without memory.
typedef struct datagram_batch datagram_batch;
datagram_batch *datagram_batch_make(uint32_t capacity, size_t room);
void datagram_batch_free(datagram_batch *batch);
const uint8_t *datagram_batch_bytes(const datagram_batch *batch);
const datagram *datagram_batch_at(const datagram_batch *batch, uint32_t index);

// Opens a UDP socket that shares its port with others of this process (SO_REUSEPORT), counts drops (SO_RXQ_OVFL), and
// waits no longer than `timeout_ms` for a datagram. Returns the descriptor, or -errno. `receive_buffer` is asked for
// (SO_RCVBUFFORCE, else SO_RCVBUF); `*granted` is what the kernel gave. `*bound_port` is the port.
int datagram_socket_open(
    const char *host, uint16_t port, int receive_buffer, int timeout_ms, int *granted, uint16_t *bound_port);

// Waits for datagrams. Returns their number, 0 when none came in time, or -errno. `*dropped` becomes the socket's count
// of dropped datagrams since it was opened, where the kernel says one.
int datagram_batch_receive(datagram_batch *batch, int socket, uint32_t *dropped);

// Closes it. Returns 0 or -errno.
int datagram_socket_close(int socket);

#endif
