/*
 * An IP address: 16 bytes, IPv4 as ::ffff:a.b.c.d, so that a client has one address whichever
 * socket it came in by.
 *
 * Pure: no state. Any thread.
 */
#ifndef TEMPMESSENGER_IP_ADDRESS_H
#define TEMPMESSENGER_IP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { IP_ADDRESS_SIZE = 16 };

/* Reads the `len` bytes of "192.168.1.1" or "::1"; false for anything else. */
bool ip_address_parse(const char *text, size_t len, uint8_t ret_address[IP_ADDRESS_SIZE]);

/* The address of a peer; false where it is NULL or not of the internet. */
bool ip_address_of_peer(const struct sockaddr *peer, uint8_t ret_address[IP_ADDRESS_SIZE]);

bool ip_address_is_ipv4(const uint8_t address[IP_ADDRESS_SIZE]);

/* As ip_address_parse reads it, IPv4 as a.b.c.d. */
void ip_address_format(const uint8_t address[IP_ADDRESS_SIZE], char ret_text[INET6_ADDRSTRLEN]);

#endif
