/*
 * Address blocks, and who the client is behind none, one and several proxies, honest and not.
 */
#include "client_address.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

enum { LONG_HEADER = 100000 };

static struct client_address client;

static const char *const trusted_texts[] = {"10.0.0.0/8", "192.168.1.1", "::1", "fd00::/8"};

/* Finds the client of a connection from `peer`, an address as text. */
static const char *find(const char *peer, const char *forwarded_for)
{
    struct address_block trusted[COUNT(trusted_texts)];
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    const struct sockaddr *address = (const struct sockaddr *)&ipv4;
    for (int i = 0; i < COUNT(trusted_texts); i++)
        ck_assert(address_block_parse(trusted_texts[i], &trusted[i]));
    if (inet_pton(AF_INET, peer, &ipv4.sin_addr) != 1) {
        ck_assert_int_eq(inet_pton(AF_INET6, peer, &ipv6.sin6_addr), 1);
        address = (const struct sockaddr *)&ipv6;
    }
    client_address_find(address, forwarded_for, trusted, (size_t)COUNT(trusted), &client);
    return client.text;
}

/* The same where no proxy is named. */
static void find_without_proxies(const char *peer, const char *forwarded_for)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    ck_assert(ip_address_parse(peer, strlen(peer), ipv6.sin6_addr.s6_addr));
    client_address_find((const struct sockaddr *)&ipv6, forwarded_for, NULL, 0, &client);
}

static void assert_key(const char *ipv6)
{
    uint8_t key[IP_ADDRESS_SIZE];
    ck_assert_int_eq(inet_pton(AF_INET6, ipv6, key), 1);
    ck_assert_mem_eq(client.key, key, IP_ADDRESS_SIZE);
}

static bool contains(const char *block_text, const char *ipv6)
{
    struct address_block block;
    uint8_t address[IP_ADDRESS_SIZE];
    ck_assert(address_block_parse(block_text, &block));
    ck_assert_int_eq(inet_pton(AF_INET6, ipv6, address), 1);
    return address_block_contains(&block, address);
}

START_TEST(test_client_address__ipv4_block_is_mapped)
{
    struct address_block block;
    uint8_t expected[IP_ADDRESS_SIZE] = {[10] = 0xff, [11] = 0xff, [12] = 10};
    ck_assert(address_block_parse("10.0.0.0/8", &block));
    ck_assert_uint_eq(block.prefix_bits, 104);
    ck_assert_mem_eq(block.address, expected, IP_ADDRESS_SIZE);
}
END_TEST

START_TEST(test_client_address__single_address_is_a_block_of_one)
{
    struct address_block block;
    ck_assert(address_block_parse("192.168.1.1", &block));
    ck_assert_uint_eq(block.prefix_bits, 128);
    ck_assert(address_block_parse("::1", &block));
    ck_assert_uint_eq(block.prefix_bits, 128);
    ck_assert(contains("::1", "::1"));
    ck_assert(!contains("::1", "::2"));
    ck_assert(!contains("192.168.1.1", "::ffff:192.168.1.0"));
}
END_TEST

START_TEST(test_client_address__bits_behind_the_prefix_are_dropped)
{
    struct address_block block;
    struct address_block plain;
    ck_assert(address_block_parse("10.1.2.3/9", &block));
    ck_assert(address_block_parse("10.0.0.0/9", &plain));
    ck_assert_mem_eq(block.address, plain.address, IP_ADDRESS_SIZE);
}
END_TEST

START_TEST(test_client_address__block_contains_its_ends_and_not_their_neighbours)
{
    ck_assert(contains("10.16.0.0/12", "::ffff:10.16.0.0"));
    ck_assert(contains("10.16.0.0/12", "::ffff:10.31.255.255"));
    ck_assert(!contains("10.16.0.0/12", "::ffff:10.15.255.255"));
    ck_assert(!contains("10.16.0.0/12", "::ffff:10.32.0.0"));
    ck_assert(contains("2001:db8::/33", "2001:db8:7fff::1"));
    ck_assert(!contains("2001:db8::/33", "2001:db8:8000::"));
}
END_TEST

START_TEST(test_client_address__zero_prefix_is_all_of_one_family)
{
    ck_assert(contains("0.0.0.0/0", "::ffff:203.0.113.9"));
    ck_assert(!contains("0.0.0.0/0", "2001:db8::1"));
    ck_assert(contains("::/0", "2001:db8::1"));
    ck_assert(!contains("::/0", "::ffff:203.0.113.9"));
}
END_TEST

START_TEST(test_client_address__mapped_block_is_ipv4)
{
    ck_assert(contains("::ffff:10.0.0.0/104", "::ffff:10.9.9.9"));
    ck_assert(!contains("::ffff:10.0.0.0/104", "::ffff:11.0.0.0"));
}
END_TEST

static const char *const not_blocks[] = {
    "",
    "/",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0/8",
    "10.0.0.0/8 ",
    " ::1",
    "10.0.0.0/-1",
    "10.0.0.0/+8",
    "10.0.0.0/8/8",
    "::/129",
    "::/1000",
    ":::",
    "fe80::1%lo",
    "[::1]",
    "localhost",
    "256.0.0.1",
    "010.0.0.1",
    "1.2.3.4:80",
    "10.0.0.0/255.0.0.0",
    "0x7f.1",
    "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
};

START_TEST(test_client_address__not_a_block_is_refused)
{
    struct address_block block = {.prefix_bits = 7};
    ck_assert_msg(!address_block_parse(not_blocks[_i], &block), "%s", not_blocks[_i]);
    ck_assert_uint_eq(block.prefix_bits, 7);
}
END_TEST

START_TEST(test_client_address__without_the_header_it_is_the_peer)
{
    ck_assert_str_eq(find("203.0.113.9", NULL), "203.0.113.9");
    assert_key("::ffff:203.0.113.9");
    ck_assert_str_eq(find("10.0.0.1", NULL), "10.0.0.1");
    ck_assert_str_eq(find("10.0.0.1", ""), "10.0.0.1");
}
END_TEST

START_TEST(test_client_address__ipv6_shares_a_key_by_its_64)
{
    ck_assert_str_eq(find("2001:db8:1:2:3:4:5:6", NULL), "2001:db8:1:2:3:4:5:6");
    assert_key("2001:db8:1:2::");
}
END_TEST

START_TEST(test_client_address__mapped_peer_is_ipv4)
{
    ck_assert_str_eq(find("::ffff:203.0.113.9", NULL), "203.0.113.9");
    assert_key("::ffff:203.0.113.9");
    ck_assert_str_eq(find("::ffff:10.0.0.1", "198.51.100.1"), "198.51.100.1");
}
END_TEST

START_TEST(test_client_address__untrusted_peer_cannot_speak_for_others)
{
    ck_assert_str_eq(find("203.0.113.9", "198.51.100.1"), "203.0.113.9");
    ck_assert_str_eq(find("203.0.113.9", "10.0.0.1"), "203.0.113.9");
}
END_TEST

struct walk {
    const char *forwarded_for; /* from a trusted peer, 10.0.0.1 */
    const char *client;
};

static const struct walk walks[] = {
    {"198.51.100.1", "198.51.100.1"},
    {"  198.51.100.1\t", "198.51.100.1"},
    {"198.51.100.1, 10.0.0.2", "198.51.100.1"},
    {"198.51.100.1,192.168.1.1,fd00::5,::1", "198.51.100.1"},
    {"1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"},
    {"10.0.0.3, 198.51.100.1", "198.51.100.1"},
    {"junk, 198.51.100.1", "198.51.100.1"},
    {"10.0.0.3, 10.0.0.2", "10.0.0.3"},
    {"2001:db8::7", "2001:db8::7"},
    {"[2001:db8::7]", "2001:db8::7"},
    {"[2001:db8::7]:4711", "2001:db8::7"},
    {"198.51.100.1:4711", "198.51.100.1"},
    {"::ffff:198.51.100.1", "198.51.100.1"},
    {"198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1"},
    /* Malformed: the last good address stays. */
    {"unknown", "10.0.0.1"},
    {"_hidden, 10.0.0.2", "10.0.0.2"},
    {"198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"},
    {"198.51.100.1,", "10.0.0.1"},
    {"198.51.100.1,,10.0.0.2", "10.0.0.2"},
    {",", "10.0.0.1"},
    {" ", "10.0.0.1"},
    {"198.51.100.1 198.51.100.2", "10.0.0.1"},
    {"198.51.100.1:", "10.0.0.1"},
    {"198.51.100.1:123456", "10.0.0.1"},
    {"198.51.100.1:x", "10.0.0.1"},
    {":80", "10.0.0.1"},
    {"[198.51.100.1]", "10.0.0.1"},
    {"[2001:db8::7", "10.0.0.1"},
    {"[2001:db8::7]x", "10.0.0.1"},
    {"[2001:db8::7]:", "10.0.0.1"},
    {"[]", "10.0.0.1"},
    {"[", "10.0.0.1"},
    {"\"198.51.100.1\"", "10.0.0.1"},
    {"198.51.100.1/32", "10.0.0.1"},
    {"fe80::1%eth0", "10.0.0.1"},
    {"198.51.100.1\n", "10.0.0.1"},
};

START_TEST(test_client_address__walk_ends_at_the_first_that_is_not_trusted)
{
    const struct walk *walk = &walks[_i];
    ck_assert_msg(strcmp(find("10.0.0.1", walk->forwarded_for), walk->client) == 0, "%s: %s",
                  walk->forwarded_for, client.text);
}
END_TEST

/* "198.51.100.1" and this many trusted proxies behind it. */
static const char *find_behind(int proxies)
{
    char header[1024] = "198.51.100.1";
    size_t len = strlen(header);
    for (int i = 0; i < proxies; i++, len += strlen(",10.0.0.2"))
        memcpy(header + len, ",10.0.0.2", strlen(",10.0.0.2") + 1);
    return find("10.0.0.1", header);
}

START_TEST(test_client_address__hops_at_below_and_above_the_maximum)
{
    ck_assert_str_eq(find_behind(CLIENT_ADDRESS_HOPS_MAX - 2), "198.51.100.1");
    ck_assert_str_eq(find_behind(CLIENT_ADDRESS_HOPS_MAX - 1), "198.51.100.1");
    ck_assert_str_eq(find_behind(CLIENT_ADDRESS_HOPS_MAX), "10.0.0.2");
}
END_TEST

/* An address padded with spaces to an entry of `len` bytes, behind another entry. */
static const char *find_padded(size_t len)
{
    char header[256];
    static const char address[] = "198.51.100.1";
    memset(header, ' ', sizeof header);
    header[0] = ',';
    memcpy(header + 1, address, strlen(address));
    header[1 + len] = '\0';
    return find("10.0.0.1", header);
}

START_TEST(test_client_address__entry_at_below_and_above_the_maximum)
{
    ck_assert_str_eq(find_padded(CLIENT_ADDRESS_ENTRY_MAX - 1), "198.51.100.1");
    ck_assert_str_eq(find_padded(CLIENT_ADDRESS_ENTRY_MAX), "198.51.100.1");
    ck_assert_str_eq(find_padded(CLIENT_ADDRESS_ENTRY_MAX + 1), "10.0.0.1");
}
END_TEST

START_TEST(test_client_address__junk_on_the_left_changes_nothing)
{
    static const char tail[] = ", 198.51.100.1";
    char *header = malloc(LONG_HEADER + sizeof tail);
    ck_assert_ptr_nonnull(header);
    memset(header, '1', LONG_HEADER);
    memcpy(header + LONG_HEADER, tail, sizeof tail);
    const char *found = find("10.0.0.1", header);
    free(header);
    ck_assert_str_eq(found, "198.51.100.1");
}
END_TEST

START_TEST(test_client_address__without_trusted_proxies_it_is_the_peer)
{
    const struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
    client_address_find((const struct sockaddr *)&peer, "198.51.100.1", NULL, 0, &client);
    ck_assert_str_eq(client.text, "10.0.0.1");
}
END_TEST

START_TEST(test_client_address__peer_that_is_not_of_the_internet_is_unknown)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};
    client_address_find(&local, "198.51.100.1", NULL, 0, &client);
    ck_assert_str_eq(client.text, "unknown");
    assert_key("::");
    client_address_find(NULL, "198.51.100.1", NULL, 0, &client);
    ck_assert_str_eq(client.text, "unknown");
}
END_TEST

static void add_block_tests(Suite *suite)
{
    TCase *blocks = tcase_create("blocks");
    tcase_add_test(blocks, test_client_address__ipv4_block_is_mapped);
    tcase_add_test(blocks, test_client_address__single_address_is_a_block_of_one);
    tcase_add_test(blocks, test_client_address__bits_behind_the_prefix_are_dropped);
    tcase_add_test(blocks, test_client_address__block_contains_its_ends_and_not_their_neighbours);
    tcase_add_test(blocks, test_client_address__zero_prefix_is_all_of_one_family);
    tcase_add_test(blocks, test_client_address__mapped_block_is_ipv4);
    tcase_add_loop_test(blocks, test_client_address__not_a_block_is_refused, 0, COUNT(not_blocks));
    suite_add_tcase(suite, blocks);
}

static void add_walk_tests(Suite *suite)
{
    TCase *walk = tcase_create("walk");
    tcase_add_test(walk, test_client_address__without_the_header_it_is_the_peer);
    tcase_add_test(walk, test_client_address__ipv6_shares_a_key_by_its_64);
    tcase_add_test(walk, test_client_address__mapped_peer_is_ipv4);
    tcase_add_test(walk, test_client_address__untrusted_peer_cannot_speak_for_others);
    tcase_add_loop_test(walk, test_client_address__walk_ends_at_the_first_that_is_not_trusted, 0,
                        COUNT(walks));
    tcase_add_test(walk, test_client_address__hops_at_below_and_above_the_maximum);
    tcase_add_test(walk, test_client_address__entry_at_below_and_above_the_maximum);
    tcase_add_test(walk, test_client_address__junk_on_the_left_changes_nothing);
    tcase_add_test(walk, test_client_address__without_trusted_proxies_it_is_the_peer);
    tcase_add_test(walk, test_client_address__peer_that_is_not_of_the_internet_is_unknown);
    suite_add_tcase(suite, walk);
}

static const char *const perhaps_proxies[] = {
    "127.0.0.1",  "127.255.255.255", "10.0.0.0",    "10.255.255.255",
    "172.16.0.0", "172.31.255.255",  "192.168.0.0", "192.168.255.255",
    "100.64.0.0", "100.127.255.255", "::1",         "fc00::",
    "fdff::1",    "fe80::1",         "febf::1",
};

static const char *const clients[] = {
    "126.255.255.255",
    "128.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "::2",
    "fbff::1",
    "fe00::1",
    "fec0::1",
    "2001:db8::1",
    "192.0.2.1",
};

START_TEST(test_client_address__a_private_address_may_be_a_proxy_where_none_is_named)
{
    find_without_proxies(perhaps_proxies[_i], NULL);
    ck_assert(!client.limited);
}
END_TEST

START_TEST(test_client_address__any_other_address_is_a_client)
{
    find_without_proxies(clients[_i], NULL);
    ck_assert(client.limited);
}
END_TEST

START_TEST(test_client_address__where_proxies_are_named_they_alone_are_no_clients)
{
    find("192.168.1.2", NULL);
    ck_assert(client.limited);
    find("127.0.0.1", NULL);
    ck_assert(client.limited);
    find("10.1.2.3", NULL);
    ck_assert(!client.limited);
    find("10.1.2.3", "192.0.2.7");
    ck_assert(client.limited);
    find("10.1.2.3", "10.9.9.9");
    ck_assert(!client.limited);
}
END_TEST

START_TEST(test_client_address__tells_whether_a_header_was_not_believed)
{
    find("10.1.2.3", "192.0.2.7");
    ck_assert(!client.forwarded_ignored);
    find("192.0.2.1", NULL);
    ck_assert(!client.forwarded_ignored);
    find("192.0.2.1", "192.0.2.7");
    ck_assert(client.forwarded_ignored);
    ck_assert_str_eq(client.text, "192.0.2.1");
    find_without_proxies("127.0.0.1", "192.0.2.7");
    ck_assert(client.forwarded_ignored);
}
END_TEST

static void add_limit_tests(Suite *suite)
{
    TCase *limits = tcase_create("limits");
    tcase_add_loop_test(limits,
                        test_client_address__a_private_address_may_be_a_proxy_where_none_is_named,
                        0, COUNT(perhaps_proxies));
    tcase_add_loop_test(limits, test_client_address__any_other_address_is_a_client, 0,
                        COUNT(clients));
    tcase_add_test(limits, test_client_address__where_proxies_are_named_they_alone_are_no_clients);
    tcase_add_test(limits, test_client_address__tells_whether_a_header_was_not_believed);
    suite_add_tcase(suite, limits);
}

int main(void)
{
    Suite *suite = suite_create("client_address");
    add_block_tests(suite);
    add_walk_tests(suite);
    add_limit_tests(suite);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
