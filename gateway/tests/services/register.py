"""Fills a KMIP server: register.py PORT FOLDER [COMMAND NAME FILE OPTION]…

FOLDER has ca.pem, client.pem and client.key. Commands:
  key NAME FILE pkcs8|pkcs1          a private key in DER, active
  pre-active, deactivated            likewise, in another state
  certificate NAME FILE -            an X.509 certificate in DER
  destroy NAME - -                   every object of that name
"""
import sys
import warnings

warnings.simplefilter("ignore")
from kmip.core import enums, attributes  # noqa: E402
from kmip.core.factories.attributes import AttributeFactory  # noqa: E402
from kmip.pie import client, objects  # noqa: E402

port, folder, commands = sys.argv[1], sys.argv[2], sys.argv[3:]
FORMATS = {"pkcs8": enums.KeyFormatType.PKCS_8, "pkcs1": enums.KeyFormatType.PKCS_1}
USES = [enums.CryptographicUsageMask.SIGN, enums.CryptographicUsageMask.DECRYPT]


def name_attribute(name):
    value = attributes.Name.create(name, enums.NameType.UNINTERPRETED_TEXT_STRING)
    return AttributeFactory().create_attribute(enums.AttributeType.NAME, value)


with client.ProxyKmipClient(
    hostname="127.0.0.1",
    port=int(port),
    cert=folder + "/client.pem",
    key=folder + "/client.key",
    ca=folder + "/ca.pem",
    ssl_version="PROTOCOL_TLSv1_2",
) as server:
    for at in range(0, len(commands), 4):
        command, name, file, option = commands[at : at + 4]
        if command == "destroy":
            for identifier in server.locate(attributes=[name_attribute(name)]):
                try:
                    server.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, identifier)
                except Exception:
                    pass
                server.destroy(identifier)
            continue
        with open(file, "rb") as opened:
            value = opened.read()
        if command == "certificate":
            server.register(objects.X509Certificate(value, name=name))
            continue
        key = objects.PrivateKey(
            enums.CryptographicAlgorithm.RSA, 2048, value, FORMATS[option], masks=USES, name=name
        )
        identifier = server.register(key)
        if command != "pre-active":
            server.activate(identifier)
        if command == "deactivated":
            server.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, identifier)
