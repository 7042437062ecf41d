package smtpsink

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"
)

// TLSMode says how connections are encrypted.
type TLSMode uint8

// The modes.
const (
	NoTLS       TLSMode = iota
	StartTLS            // STARTTLS is offered
	ImplicitTLS         // TLS from the first byte
)

// CertificateKind says what is right or wrong with the certificate of a sink.
type CertificateKind uint8

// The kinds of certificates. All are signed by [Authority] but the one that is unknown.
const (
	GoodCertificate    CertificateKind = iota // for localhost and 127.0.0.1
	ExpiredCertificate                        // ended yesterday
	OtherCertificate                          // for other.example
	UnknownCertificate                        // signed by itself
)

// authority signs the certificates of all sinks of a process.
var authority = sync.OnceValues(func() (*tls.Certificate, error) {
	return issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Sink Authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil)
})

// Authority returns the authority that signs the certificates of sinks, for the side of the client.
func Authority() *x509.CertPool {
	pool := x509.NewCertPool()
	if certificate, err := authority(); err == nil {
		pool.AddCert(certificate.Leaf)
	}
	return pool
}

// AuthorityPEM is [Authority] for a client in another process.
func AuthorityPEM() ([]byte, error) {
	certificate, err := authority()
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Leaf.Raw}), nil
}

// serverTLS returns the configuration of a sink.
func serverTLS(kind CertificateKind) (*tls.Config, error) {
	parent, err := authority()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "sink"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	switch kind {
	case ExpiredCertificate:
		template.NotAfter = time.Now().AddDate(0, 0, -1)
	case OtherCertificate:
		template.DNSNames, template.IPAddresses = []string{"other.example"}, nil
	case UnknownCertificate:
		parent = nil
	}
	certificate, err := issue(template, parent)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}, nil
}

// issue makes a certificate with its key. Without a parent it is signed by itself.
func issue(template *x509.Certificate, parent *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return nil, err
	}
	template.NotBefore = time.Now().AddDate(0, 0, -30)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().AddDate(0, 0, 30)
	}
	signer, signerKey := template, any(key)
	if parent != nil {
		signer, signerKey = parent.Leaf, parent.PrivateKey
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, signer, &key.PublicKey, signerKey)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, nil
}
