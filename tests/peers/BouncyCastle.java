import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import javax.mail.internet.MimeBodyPart;
import javax.mail.internet.MimeMultipart;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.pkcs.RSAESOAEPparams;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.RecipientInfoGenerator;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyAgreeEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientId;
import org.bouncycastle.cms.jcajce.JceKeyAgreeRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientId;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.mail.smime.SMIMESigned;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * Bouncy Castle, as a peer: reads one job a line on standard input and answers each with one line, "ok" or
 * "failed: why". Arguments are separated by tabs, certificates are PEM, keys PKCS #8 in PEM, CMS is DER.
 *
 * <pre>
 * sign     CERTIFICATE KEY SIGNATURE-ALGORITHM attached|detached  CONTENT OUT
 * encrypt  CIPHER KEY-TRANSPORT CERTIFICATE,CERTIFICATE…          CONTENT OUT
 *          (for keys on a curve, KEY-TRANSPORT is the digest of the key derivation)
 * verify   CERTIFICATE CMS OUT [CONTENT]
 * decrypt  CERTIFICATE KEY CMS OUT
 * smime    CERTIFICATE ENTITY OUT          (multipart/signed, through the mail API)
 * </pre>
 */
public final class BouncyCastle {
    private static final Map<String, ASN1ObjectIdentifier> CIPHERS = Map.of(
        "aes-128-cbc", CMSAlgorithm.AES128_CBC, "aes-192-cbc", CMSAlgorithm.AES192_CBC,
        "aes-256-cbc", CMSAlgorithm.AES256_CBC, "aes-128-gcm", CMSAlgorithm.AES128_GCM,
        "aes-256-gcm", CMSAlgorithm.AES256_GCM);

    private static final Map<String, ASN1ObjectIdentifier> DIGESTS = Map.of(
        "sha1", OIWObjectIdentifiers.idSHA1, "sha256", NISTObjectIdentifiers.id_sha256,
        "sha384", NISTObjectIdentifiers.id_sha384, "sha512", NISTObjectIdentifiers.id_sha512);

    private static final Map<String, ASN1ObjectIdentifier> AGREEMENTS = Map.of(
        "sha1", CMSAlgorithm.ECDH_SHA1KDF, "sha224", CMSAlgorithm.ECDH_SHA224KDF, "sha256", CMSAlgorithm.ECDH_SHA256KDF,
        "sha384", CMSAlgorithm.ECDH_SHA384KDF, "sha512", CMSAlgorithm.ECDH_SHA512KDF);

    private static final Map<String, ASN1ObjectIdentifier> WRAPS = Map.of(
        "aes-128", CMSAlgorithm.AES128_WRAP, "aes-192", CMSAlgorithm.AES192_WRAP, "aes-256", CMSAlgorithm.AES256_WRAP);

    public static void main(String[] none) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String answer;
            try {
                job(line.split("\t"));
                answer = "ok";
            } catch (Exception e) {
                answer = "failed: " + String.valueOf(e).replace('\n', ' ');
            }
            System.out.println(answer);
            System.out.flush();
        }
    }

    private static void job(String[] a) throws Exception {
        switch (a[0]) {
            case "sign" -> sign(a[1], a[2], a[3], a[4].equals("attached"), a[5], a[6]);
            case "encrypt" -> encrypt(a[1], a[2], a[3].split(","), a[4], a[5]);
            case "verify" -> verify(a[1], a[2], a[3], a.length > 4 ? a[4] : null);
            case "decrypt" -> decrypt(a[1], a[2], a[3], a[4]);
            case "smime" -> smime(a[1], a[2], a[3]);
            default -> throw new IllegalArgumentException(a[0]);
        }
    }

    private static void sign(String cert, String key, String algorithm, boolean attached, String content, String out)
            throws Exception {
        X509Certificate certificate = certificate(cert);
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(
            new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build())
                .build(new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key(key)), certificate));
        generator.addCertificates(new JcaCertStore(List.of(certificate)));
        write(out, generator.generate(new CMSProcessableByteArray(read(content)), attached).getEncoded());
    }

    private static void encrypt(String cipher, String transport, String[] certificates, String content, String out)
            throws Exception {
        boolean authenticated = cipher.endsWith("gcm");
        CMSEnvelopedDataGenerator enveloped = new CMSEnvelopedDataGenerator();
        CMSAuthEnvelopedDataGenerator authEnveloped = new CMSAuthEnvelopedDataGenerator();
        for (String name : certificates) {
            X509Certificate certificate = certificate(name);
            RecipientInfoGenerator recipient = certificate.getPublicKey() instanceof ECPublicKey
                ? agreement(certificate, transport, cipher)
                : transport(certificate, transport);
            enveloped.addRecipientInfoGenerator(recipient);
            authEnveloped.addRecipientInfoGenerator(recipient);
        }
        CMSProcessableByteArray data = new CMSProcessableByteArray(read(content));
        OutputEncryptor encryptor = new JceCMSContentEncryptorBuilder(CIPHERS.get(cipher)).setProvider("BC").build();
        write(out, authenticated
            ? authEnveloped.generate(data, (OutputAEADEncryptor) encryptor).getEncoded()
            : enveloped.generate(data, encryptor).getEncoded());
    }

    private static RecipientInfoGenerator transport(X509Certificate certificate, String transport) throws Exception {
        return (transport.equals("pkcs1")
            ? new JceKeyTransRecipientInfoGenerator(certificate)
            : new JceKeyTransRecipientInfoGenerator(certificate, oaep(transport))).setProvider("BC");
    }

    /** Key agreement with a key that is used once. */
    private static RecipientInfoGenerator agreement(X509Certificate certificate, String digest, String cipher)
            throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
        generator.initialize(((ECPublicKey) certificate.getPublicKey()).getParams());
        KeyPair ephemeral = generator.generateKeyPair();
        return new JceKeyAgreeRecipientInfoGenerator(AGREEMENTS.get(digest), ephemeral.getPrivate(),
            ephemeral.getPublic(), WRAPS.get(cipher.substring(0, 7))).addRecipient(certificate).setProvider("BC");
    }

    /** RSAES-OAEP with one digest for the label and the mask. */
    private static AlgorithmIdentifier oaep(String digest) {
        AlgorithmIdentifier hash = new AlgorithmIdentifier(DIGESTS.get(digest), DERNull.INSTANCE);
        return new AlgorithmIdentifier(PKCSObjectIdentifiers.id_RSAES_OAEP, new RSAESOAEPparams(
            hash, new AlgorithmIdentifier(PKCSObjectIdentifiers.id_mgf1, hash), RSAESOAEPparams.DEFAULT_P_SOURCE_ALGORITHM));
    }

    private static void verify(String cert, String cms, String out, String content) throws Exception {
        CMSSignedData signed = content == null
            ? new CMSSignedData(read(cms))
            : new CMSSignedData(new CMSProcessableByteArray(read(content)), read(cms));
        check(signed.getSignerInfos().getSigners(), certificate(cert));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        signed.getSignedContent().write(bytes);
        write(out, bytes.toByteArray());
    }

    private static void smime(String cert, String entity, String out) throws Exception {
        MimeBodyPart part = new MimeBodyPart(new ByteArrayInputStream(read(entity)));
        SMIMESigned signed = part.isMimeType("multipart/signed")
            ? new SMIMESigned((MimeMultipart) part.getContent())
            : new SMIMESigned(part);
        check(signed.getSignerInfos().getSigners(), certificate(cert));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        signed.getContent().writeTo(bytes);
        write(out, bytes.toByteArray());
    }

    private static void check(Collection<SignerInformation> signers, X509Certificate certificate) throws Exception {
        if (signers.isEmpty()) {
            throw new Exception("no signer");
        }
        for (SignerInformation signer : signers) {
            if (!signer.getSID().match(new X509CertificateHolder(certificate.getEncoded()))) {
                throw new Exception("another signer");
            }
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate))) {
                throw new Exception("the signature does not verify");
            }
        }
    }

    private static void decrypt(String cert, String key, String cms, String out) throws Exception {
        byte[] encoded = read(cms);
        RecipientInformationStore recipients;
        boolean authenticated = false;
        try {
            recipients = new CMSEnvelopedData(encoded).getRecipientInfos();
        } catch (Exception e) {
            recipients = new CMSAuthEnvelopedData(encoded).getRecipientInfos();
            authenticated = true;
        }
        X509Certificate certificate = certificate(cert);
        PrivateKey privateKey = key(key);
        if (certificate.getPublicKey() instanceof ECPublicKey) {
            RecipientInformation recipient = recipients.get(new JceKeyAgreeRecipientId(certificate));
            if (recipient == null) {
                throw new Exception("not for this recipient");
            }
            write(out, recipient.getContent(new JceKeyAgreeEnvelopedRecipient(privateKey).setProvider("BC")));
            return;
        }
        RecipientInformation recipient = recipients.get(new JceKeyTransRecipientId(certificate));
        if (recipient == null) {
            throw new Exception("not for this recipient");
        }
        write(out, recipient.getContent(authenticated
            ? new JceKeyTransAuthEnvelopedRecipient(privateKey).setProvider("BC")
            : new JceKeyTransEnvelopedRecipient(privateKey).setProvider("BC")));
    }

    private static X509Certificate certificate(String file) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509", "BC")
            .generateCertificate(new ByteArrayInputStream(read(file)));
    }

    private static PrivateKey key(String file) throws Exception {
        String pem = new String(read(file)).replaceAll("-----[A-Z ]*-----", "");
        byte[] der = Base64.getMimeDecoder().decode(pem);
        return BouncyCastleProvider.getPrivateKey(PrivateKeyInfo.getInstance(der));
    }

    private static byte[] read(String file) throws Exception {
        return Files.readAllBytes(Path.of(file));
    }

    private static void write(String file, byte[] bytes) throws Exception {
        Files.write(Path.of(file), bytes);
    }
}
