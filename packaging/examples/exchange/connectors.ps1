# In the Exchange Management Shell. A user sends as nobody else: that is how Exchange is,
# unless somebody was given ms-Exch-SMTP-Accept-Any-Sender.

# What leaves goes to wasmime.
New-SendConnector -Name "To wasmime" -AddressSpaces "SMTP:*;1" -DNSRoutingEnabled $false `
    -SmartHosts "192.0.2.10" -Port 10025 -SmartHostAuthMechanism None

# What arrives comes from wasmime, and from nobody else on this port.
New-ReceiveConnector -Name "From wasmime" -TransportRole FrontendTransport -Usage Custom `
    -Bindings "0.0.0.0:2525" -RemoteIPRanges "192.0.2.10" -PermissionGroups AnonymousUsers

# MIME leaves, so that others read what is signed. What was decrypted does not go back:
# strangers get no reports of delivery.
Set-RemoteDomain Default -TNEFEnabled $false -DeliveryReportEnabled $false
