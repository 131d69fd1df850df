//! The two messages of the demonstration: text, HTML, an attachment, Japanese
//! header fields.

/// Mail as a client sends it.
pub struct Mail {
    /// Who writes.
    pub from: &'static str,
    /// To whom.
    pub to: &'static str,
    /// The message, with CRLF line ends.
    pub octets: Vec<u8>,
}

/// From NEC to ABC: text and HTML, and a PDF.
pub fn invitation() -> Mail {
    mail(
        "taro@nec.co.jp",
        "alice@abc.com",
        "From: =?UTF-8?B?5aSq6YOO?= <taro@nec.co.jp>\n\
         To: Alice <alice@abc.com>\n\
         Cc: hanako@nec.co.jp\n\
         Subject: =?UTF-8?B?5omT44Gh5ZCI44KP44Gb44Gu5Lu2ICjopovnqY3mm7jjgpLmt7vku5gp?=\n\
         Date: Wed, 5 Jul 2000 09:00:00 +0900\n\
         Message-ID: <1@nec.co.jp>\n\
         MIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"mixed\"\n\
         \n\
         --mixed\n\
         Content-Type: multipart/alternative; boundary=\"either\"\n\
         \n\
         --either\n\
         Content-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: base64\n\
         \n\
         44Ki44Oq44K55qeYDQoNCuaYjuaXpSAxMCDmmYLjgavmiZPjgaHlkIjjgo/jgZvjgpLjgYrpoZjj\n\
         gYTjgZfjgb7jgZnjgILopovnqY3mm7jjgpLmt7vku5jjgZfjgb7jgZnjgIINCg0K5aSq6YOODQo=\n\
         --either\n\
         Content-Type: text/html; charset=utf-8\n\
         Content-Transfer-Encoding: base64\n\
         \n\
         PGh0bWw+PGJvZHk+PHA+44Ki44Oq44K55qeYPC9wPjxwPuaYjuaXpSA8Yj4xMCDmmYI8L2I+44Gr\n\
         5omT44Gh5ZCI44KP44Gb44KS44GK6aGY44GE44GX44G+44GZ44CC6KaL56mN5pu444KS5re75LuY\n\
         44GX44G+44GZ44CCPC9wPjxwPuWkqumDjjwvcD48L2JvZHk+PC9odG1sPg0K\n\
         --either--\n\
         --mixed\n\
         Content-Type: application/pdf; name=\"quotation.pdf\"\n\
         Content-Disposition: attachment; filename=\"quotation.pdf\"\n\
         Content-Transfer-Encoding: base64\n\
         \n\
         JVBERi0xLjQKMSAwIG9iago8PC9UeXBlL0NhdGFsb2cvUGFnZXMgMiAwIFI+PgplbmRvYmoKMiAw\n\
         IG9iago8PC9UeXBlL1BhZ2VzL0tpZHNbXS9Db3VudCAwPj4KZW5kb2JqCnRyYWlsZXIKPDwvUm9v\n\
         dCAxIDAgUj4+Cg==\n\
         --mixed--\n",
    )
}

/// The answer, from ABC to NEC: 8-bit text as it is typed, and a note.
pub fn answer() -> Mail {
    mail(
        "alice@abc.com",
        "taro@nec.co.jp",
        "From: Alice <alice@abc.com>\n\
         To: =?UTF-8?B?5aSq6YOO?= <taro@nec.co.jp>\n\
         Subject: =?UTF-8?B?UmU6IOaJk+OBoeWQiOOCj+OBm+OBruS7tg==?=\n\
         Date: Wed, 5 Jul 2000 02:30:00 +0200\n\
         Message-ID: <2@abc.com>\n\
         In-Reply-To: <1@nec.co.jp>\n\
         MIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"mixed\"\n\
         \n\
         --mixed\n\
         Content-Type: multipart/alternative; boundary=\"either\"\n\
         \n\
         --either\n\
         Content-Type: text/plain; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\
         \n\
         太郎様\n\
         \n\
         10 時で大丈夫です。Grüße aus München!\n\
         \n\
         Alice\n\
         --either\n\
         Content-Type: text/html; charset=utf-8\n\
         Content-Transfer-Encoding: 8bit\n\
         \n\
         <html><body><p>太郎様</p><p>10 時で大丈夫です。Grüße aus München!</p></body></html>\n\
         --either--\n\
         --mixed\n\
         Content-Type: text/csv; name=\"agenda.csv\"\n\
         Content-Disposition: attachment; filename=\"agenda.csv\"\n\
         \n\
         10:00,welcome\n\
         10:15,quotation\n\
         --mixed--\n",
    )
}

fn mail(from: &'static str, to: &'static str, text: &str) -> Mail {
    Mail { from, to, octets: text.replace('\n', "\r\n").into_bytes() }
}
