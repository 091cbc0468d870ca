/// Keys made for these tests alone.
enum TestKeys {
    /// An RSA key of 1024 bits, PKCS#1.
    static let pkcs1 = """
        -----BEGIN RSA PRIVATE KEY-----
        MIICXAIBAAKBgQDM36hY1qNQBcXC4lg5OYywKh8/yZ9UVmImgOw0pCbG3J+EL6Ez
        H1Tcp+n5wwqG/zg2A2dbknedV/TKoYiiHxLFpNtIfpY7DayIx2ycIqR39CxkBAlp
        g8kPI2GzCRc985cTqNOLKL5ySAanO0E5xW3Ray9KObgGPoH3FZVyVlYXCQIDAQAB
        AoGAVLXdy+3j1QCuBqjERdUP4P9psFxTrvGQ387K2/FLv0oWAvgWtSatVhdv3T/S
        KIN64IqDwA9NuhdWNjqYXkBu59+wsDMfWWH5Kls/x29Iha/2AVNfYUbKpBLAx1Z1
        KNEFnVAJpncHjCxPmKiMFfQJopus5Fy8zOJW7i+OJdto/AECQQD8/6K1cyH3i5Qm
        N5XdQj1ryOSiV1IuuXlNXEzOiVSFEV3dI0hD6mSqFmVA1Jv/FvnycAumb6no0eYW
        tiuY4+DBAkEAz03dfPWOyTRbZHEGzxYc5t0NSMlEtwdvA4eUrad7mNKgQmSQztD2
        SKHubQfUNVQnD7LxnztYlTZhsFzkSRsASQJARedsUa5qKDfMy3J4WhY/WlS7t49h
        Cb/9oD5sinSvgcT2pm9lPD67abOebndQUv9KOI506ZvY2peEd6oGCcyNAQJAf3Wp
        tBYrR6zIcJZKEHPRK2VIsLMHa93HNQ1crfTnOoxuesPogTDb7MabmTASGwP1zGJC
        y5uqmHvKTqyetBBE+QJBAIOgFh0UpEF67o8IqglOjZJdLHQD624H9GGgIAww5CkI
        vZyss0vHXcfvAWU6UXIHSKP96oOTzDzkE1fUSeNnIXA=
        -----END RSA PRIVATE KEY-----
        """

    /// The same key, PKCS#8.
    static let pkcs8 = """
        -----BEGIN PRIVATE KEY-----
        MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMzfqFjWo1AFxcLi
        WDk5jLAqHz/Jn1RWYiaA7DSkJsbcn4QvoTMfVNyn6fnDCob/ODYDZ1uSd51X9Mqh
        iKIfEsWk20h+ljsNrIjHbJwipHf0LGQECWmDyQ8jYbMJFz3zlxOo04sovnJIBqc7
        QTnFbdFrL0o5uAY+gfcVlXJWVhcJAgMBAAECgYBUtd3L7ePVAK4GqMRF1Q/g/2mw
        XFOu8ZDfzsrb8Uu/ShYC+Ba1Jq1WF2/dP9Iog3rgioPAD026F1Y2OpheQG7n37Cw
        Mx9ZYfkqWz/Hb0iFr/YBU19hRsqkEsDHVnUo0QWdUAmmdweMLE+YqIwV9Amim6zk
        XLzM4lbuL44l22j8AQJBAPz/orVzIfeLlCY3ld1CPWvI5KJXUi65eU1cTM6JVIUR
        Xd0jSEPqZKoWZUDUm/8W+fJwC6ZvqejR5ha2K5jj4MECQQDPTd189Y7JNFtkcQbP
        Fhzm3Q1IyUS3B28Dh5Stp3uY0qBCZJDO0PZIoe5tB9Q1VCcPsvGfO1iVNmGwXORJ
        GwBJAkBF52xRrmooN8zLcnhaFj9aVLu3j2EJv/2gPmyKdK+BxPamb2U8Prtps55u
        d1BS/0o4jnTpm9jal4R3qgYJzI0BAkB/dam0FitHrMhwlkoQc9ErZUiwswdr3cc1
        DVyt9Oc6jG56w+iBMNvsxpuZMBIbA/XMYkLLm6qYe8pOrJ60EET5AkEAg6AWHRSk
        QXrujwiqCU6Nkl0sdAPrbgf0YaAgDDDkKQi9nKyzS8ddx+8BZTpRcgdIo/3qg5PM
        POQTV9RJ42chcA==
        -----END PRIVATE KEY-----
        """

    /// The same key, encrypted.
    static let encrypted = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIIC3DBWBgkqhkiG9w0BBQ0wSTAoBgkqhkiG9w0BBQwwGwQI+eTM5q6AsJUCAQEw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEITqysiKgSRZfbNv9f+5qbgEggKA
        x9xEJepcbTF8nG+E5rKo8DhBnANZoY8qIzpjG3TeHLtnlhlmzMWg5/XBLUsEb5Nn
        8ntWixVuBPP+FOk0D67BGH/X5l3VwLrvymSflsNFytjmXszmHCZrGxOPJmOe5TD7
        XKssMxeJ4pE1X4LqKNELa86omdAZdUtUCYcu8psJwGau1kwQqouQvR5i1TTjFoUm
        9DGLUNEEmD5KE+pRZmd2aMDXdKOLdTV6fQOtrP1QBW/qs+CH2UdPk1knZZMLS2fa
        xEtj3nnJRRQ9pDtolGbmIV7IpnYPPWJaiehkziegSr79xkR4UUMr2CYZhyGzVVCC
        eLPPX0cXBLYSa+U8L5aceIKY7MxDWW46AFb8pxcHty15eV4XlZwQUG1KEedSlNF2
        r6pb+L04cTdQEs5sW5dCcuQ1jv97/8reo9qLsOAQ/VFnNlhDz1BURQA8bVUTvmvl
        LDvewBPo8calhbWofc9oAbYgB8OjLSiwWKfLdlbllIXmNYt6Hb/Mx3jElOBetzUo
        S6yOS3QLh8RG42FA0v18zVH8E8w4WxtlEyLU3pOYM9gxXDq52nTc5RHp4MM8N4br
        b+H4mE/5O9iEWkivbeFXNIvxefnBAGbfqZLuZYJBO7cpyjfjvth9aCiKfan8EVdi
        78Co3X1uqnTUvnEAndY1fZre0FnWhMr0HSGw1FpQK8UbythAzdvKLq9gTuHsu82u
        zeRcLdk42wJJkIPMnh2d143JzNFi3UCF7gmyX3gjQ0NmzyUU7oMpMVCaEzI/EXWx
        E3VVb4hgZlgJ/q9SHii6YQwnRHaqE2LKsOKvzJj3psgEyy6vNe5Pm6F0KUH3NTky
        mETmG4zB31AGHMl01JKd1g==
        -----END ENCRYPTED PRIVATE KEY-----
        """

    /// The public half of the same key: SubjectPublicKeyInfo in base64.
    static let subjectPublicKeyInfo = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDM36hY1qNQBcXC4lg5OYywKh8/yZ9UVmImgOw0pCbG3J+EL6EzH1Tcp+n5wwqG"
        + "/zg2A2dbknedV/TKoYiiHxLFpNtIfpY7DayIx2ycIqR39CxkBAlpg8kPI2GzCRc985cTqNOLKL5ySAanO0E5xW3Ray9KObgGPoH3"
        + "FZVyVlYXCQIDAQAB"

    /// The public half of the same key: RSAPublicKey in base64.
    static let rsaPublicKey = "MIGJAoGBAMzfqFjWo1AFxcLiWDk5jLAqHz/Jn1RWYiaA7DSkJsbcn4QvoTMfVNyn6fnDCob/ODYDZ1uSd51X9MqhiKIfEsWk20h+"
        + "ljsNrIjHbJwipHf0LGQECWmDyQ8jYbMJFz3zlxOo04sovnJIBqc7QTnFbdFrL0o5uAY+gfcVlXJWVhcJAgMBAAE="

    /// An RSAPublicKey whose exponent has 1000 bits, in base64.
    static let longExponent = "MIIBBAKBgQDNRH41uLbY/kQuPUNyBOUtsiIaWACKBabEZHFZwyTJhZuBDnZuydKGY8qCjdX0s7LksGzmB0HHqHzkLIIYBy6MNb+ZLcnpxhZh"
        + "LnaWps7MG3jlEGFzEdijws5vRH7U1XseL+uJQUw0PBAnxNHDhrvEzWE+MNjxat+Rt1hKImWx9QJ+AK07GhHfWH/SgDurbDmNiDSKfu2NFPBt"
        + "P+9wGWagw4HojzjAyP2HEri8B283h7nReeBsD9T1+BMMQjdzDt+vvWf5YZaZz+GYitnwbBRKAltBP4qaAh6mSKfdBoOeuQW25uMH1L7cUUMR"
        + "k+bD8zkaK48f8f1CopdV1ME6kCkx"

    /// The signature that OpenSSL's command makes of "abc" with the same key and SHA-256, in base64.
    static let signatureOfABC = "JW3wE1POGWqDMbi5x55R98C4NN1956ik+AjH3EW4X1yxHeDPoLW6WXgIBXUIEUCDGBBWN1PC/xn7amTkDKU5sSmk0XP+By3Uga8N"
        + "r9UEOAWLoJ3mNO4Bk3Q0QuSHoOt8BBVv6agsBophhSZoG2jPLxqTvUAMIhoIeIbKl6xojDo="
}
