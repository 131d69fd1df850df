"""Fills a KMIP server: register.py PORT FOLDER [COMMAND NAME FILE OPTION]…

FOLDER has ca.pem, client.pem and client.key. Commands:
  key NAME FILE pkcs8|pkcs1          a private key of RSA in DER, active
  key NAME FILE ec256|ec384          one on a curve of so many bits, as PKCS #8
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
RSA, EC = enums.CryptographicAlgorithm.RSA, enums.CryptographicAlgorithm.EC
SIGN, DECRYPT = enums.CryptographicUsageMask.SIGN, enums.CryptographicUsageMask.DECRYPT
AGREE = enums.CryptographicUsageMask.KEY_AGREEMENT
# Algorithm, bits, format and uses of a key, by option.
KINDS = {
    "pkcs8": (RSA, 2048, enums.KeyFormatType.PKCS_8, [SIGN, DECRYPT]),
    "pkcs1": (RSA, 2048, enums.KeyFormatType.PKCS_1, [SIGN, DECRYPT]),
    "ec256": (EC, 256, enums.KeyFormatType.PKCS_8, [SIGN, AGREE]),
    "ec384": (EC, 384, enums.KeyFormatType.PKCS_8, [SIGN, AGREE]),
}


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
        algorithm, bits, form, uses = KINDS[option]
        key = objects.PrivateKey(algorithm, bits, value, form, masks=uses, name=name)
        identifier = server.register(key)
        if command != "pre-active":
            server.activate(identifier)
        if command == "deactivated":
            server.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, identifier)
