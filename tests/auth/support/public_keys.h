/* Public keys and tokens that others signed with their other halves: those of RFC 7515
 * appendices A.2 and A.3, and some made once with Node.js, whose private halves are gone. */
#ifndef XSHATHRA_TESTS_AUTH_PUBLIC_KEYS_H
#define XSHATHRA_TESTS_AUTH_PUBLIC_KEYS_H

static const char RFC_RSA_PEM[] = "-----BEGIN PUBLIC KEY-----\n"
                                  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
                                  "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
                                  "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
                                  "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
                                  "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
                                  "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
                                  "oQIDAQAB\n"
                                  "-----END PUBLIC KEY-----\n";

static const char RFC_RS256_TOKEN[] =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19"
    "yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt"
    "_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI"
    "8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static const char RFC_P256_PEM[] = "-----BEGIN PUBLIC KEY-----\n"
                                   "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                                   "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                                   "-----END PUBLIC KEY-----\n";

static const char RFC_ES256_TOKEN[] =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19"
    "yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU"
    "1Q";

static const char RSA_PEM[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA6CxR6x7qw620MyDsAKhk\n"
                              "e7EBPkwxC7+tHcvO2kEROQC55v5pPtLzve0qSfiWdGRJiZlfzW9A9kJUgjtF+4nq\n"
                              "uVyL9ndUBST+pWgRbYaE2hJl8zVk+jncagW5PnTg2rJl3TDiejJwoWzcrHZKVJJk\n"
                              "n8SQWr2ble7nMNqNRqDRxgF+zKnZsJ/DJd8sBl9FpXhOqHXj4ebz0rfbcYypAy4k\n"
                              "cwo5y3WoFp0GQJnOeLggKueZpkHS2b3nhUP60JHzY4xnJj8Ox/RdwljQVqunjPlN\n"
                              "ylw1u11lSFoE60c7Dl35YZk5jLZ664TpMk3/iPVakCltePWsNEWFw4ik4euR2T6U\n"
                              "XwIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";

static const char P256_PEM[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEImI0goPXzAZnLvhKTXIdLxvkFEpO\n"
                               "GQTccqUAScqioGVzbOlLem13y0rtFjHy538MoyduvO/+CNB1l66+RV9pDQ==\n"
                               "-----END PUBLIC KEY-----\n";

static const char P384_PEM[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE0yuBLpB/bst3qEuO0CWoHoZzyTXd/IXi\n"
                               "wN65XumilnqWmxdAqkmANYaq+DD8pHtaInueWanANF4WcZTO4omaTij2/KHjOoKM\n"
                               "kiUAf664HTwPcOIn67ADE3j+pXTA+sVq\n"
                               "-----END PUBLIC KEY-----\n";

static const char P521_PEM[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAZIqUHdnDPhD/oXzagKe3BRuAjOmu\n"
                               "GzcTr6cToa8NqxJj0RcN2trctsEp19HeLrB2eSF8Rr3JiYyi4fPaR2M/mFABFAmg\n"
                               "fgOzpBKs84kEEyZ9vKiG1V3ms4MDrCtKeGejbpOwa2RLvssTxXUDkyb+qeEkXbRT\n"
                               "rkIZvi+DAbclQx18LRQ=\n"
                               "-----END PUBLIC KEY-----\n";

/* {"sub":"u","projectId":"proj_1"} */
static const char RS256_TOKEN[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwicHJvamVjdElkIjoicHJval8xIn0.RXgmttmj6Ht8jAzaU7l"
    "AYAoM--GyI-U5PqgRxU2oP6as1daYxKeoOgGNc-eLsWGLawy7uhwHWu2xCVGouV-uotUT5WuRgL48-SwxLA2ByQX8_4sApM-hs2J"
    "xR7Zol8zo1J7jK1X-lHEXfQwyYttj3tC3ucmAyhKJ9RmDDsLs6AqFIqp_LUj9LS7l1JmoBiXvioma83WbidX_aFOTFMlH2bytriD"
    "ihg1S8Ca65R_yjHf1ZubKotNjHjYAly459OCA2AEaaTT09_VCdo8QFnVUMpH5tHTQcZmqpvsfAPP3ErYCmC-jRPnKxglPyO8bhWq"
    "16CNyp0hkNS6c8cFyJcMo8g";

static const char RS384_TOKEN[] =
    "eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwicHJvamVjdElkIjoicHJval8xIn0.X8pjA3zwnuCjYM2ftDO"
    "_kPjyAbCyCnhP4BT-No9WA-KbIoDK-El-IYwj2yDY69ntAbVR1Pf8gC1ATbHfBbz15Rqd_eqS6YiRFnAiuXWGlKONFMqOR9Kf2O6"
    "YKqrGYrmOjpWagyg0T4mua7rDz502xJTLVC4KKN19W-zl6xfkge_p3fxjQsB4io-9tSDa0xwHtq6-RX39ZQTMpKbBfbAd6g3xwkd"
    "YQ0xGfFfzv8WPUbC8QLCdzGkQHWqEi7QqDxoXq5aZcj37kFHmYHnzqKO8dYoqPLPU8YzYhGSUkYx4UpGEyv5gb29pnBvrrGsT2SI"
    "K3pzWstEaPrZW_VFXDtH6Lg";

static const char RS512_TOKEN[] =
    "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwicHJvamVjdElkIjoicHJval8xIn0.WG9oqbelKscTXaoMdYp"
    "YIYvJS863wIHAfwSdb9HkPXIbFpty84EpjkJ0wCPoIKFiU38KWHNHofkbCSmLXcHrWitaPFV4V89wLLsiZouePvcQco7t-hKjnU2"
    "la2WLHC6CkaOxPY8U9Q5DvS4do2joHd04UBeh2G7JADnDIcSRRg-GxVPmd_u6RxvBMw128b2WFD6KktfhIbyJesfnRKGcuOUglEE"
    "4bjKlsTzr2u1j-H5Rxwcg2AuRLWLJ2DOdzRGmdowP3XWjVSgPjw3fNe_fwtu2Olo7sTnleaLGfPlugM9BdZkut_84r-AtlAwrx2L"
    "GEouit2sfBSADxB-o283VNw";

static const char ES256_TOKEN[] =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwicHJvamVjdElkIjoicHJval8xIn0.6nO_Q5Xvu3zChs4OeM-"
    "705nmR5qx7C6b2-tllciivQo4vkj5B2vtf6c98nIa3ycp2mMot8ade1KAGWGm541-BA";

static const char ES384_TOKEN[] =
    "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwicHJvamVjdElkIjoicHJval8xIn0.DbBbUInm4JHvFdm1Z3k"
    "Ad1EoBz00Dj0cUOLJoxY5yy37T73ptQModDaG_wS1wq-rO1I8mxGzopWoLTZYbHywt8oOXtMNDaQOSpR3NfX_XHJzr8JpMBjSltG"
    "VGwdRa83f";

static const char ES512_TOKEN[] =
    "eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwicHJvamVjdElkIjoicHJval8xIn0.Af8bzDEC5uQkYhZZLSm"
    "8mwjwMhKYWYX1o2ptchDEiBj4NSJuaHtaflWeqi4GM1ayfogkYKm4F9jD7bvQLaHSgRqYAVY39h3lqsywhYHab05qILrn00Hn3cE"
    "36qwRPiXetsx4qLQgjbbcdEKHFvg79bgQlzVAuRPRfVdk3-oGS5rjKWP3";

/* {"sub":"u","channel":"c","exp":1700000001} */
static const char RS256_SUB_TOKEN[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwiY2hhbm5lbCI6ImMiLCJleHAiOjE3MDAwMDAwMDF9.EGGlb4"
    "qkeUrFfsK-wjT9WRFAqvtkBr6VVcXsIYQCjsdeoHIgYo5neMvcb7SKQ94fi0ffp2m7R3jUBDnIk72jJUz38O7ZC5AWv3AzJMzoYi"
    "Wq2l0HNTTq0PS7P2n1P6vaOT6J2fbEXORNI-Mq82jerxBj45564OI8gJMTS-U3itjeDI_XOjw9k8CIpNhmRW6dSPpIP7g9g_lE_J"
    "u5_KhXdQLVsak2ynaF2p3DYlTlQJs1PC5rdghrcIiA5vhLM2B94qhbdgM527DwgrDE9FZ6x3-KamvRIetX1Puf5HVzW3yacj8hFx"
    "spVj9mKH0C24Y23OO7X2w20e_iEBCUA6RkDw";

static const char ES256_SUB_TOKEN[] =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1IiwiY2hhbm5lbCI6ImMiLCJleHAiOjE3MDAwMDAwMDF9.nLa5qz"
    "wV57D-6N9D71KAnoNQLeipRsbeSObKPy_dh1Gl-6f_y-vZKtB2ZWVdPDqAK95oAdx-amrQIvf3NZUWAw";

#endif
