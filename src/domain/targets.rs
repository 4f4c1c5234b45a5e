//! Where a webhook may go: the address that is connected to decides, not the name (contract 12.7, quality B).

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of machines' own secrets: never a target, whatever is allowed.
const METADATA: [IpAddr; 11] = [
    // Most clouds.
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    // AWS: the instance, tasks of ECS, pods of EKS.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    // Azure, Oracle, Alibaba, Google, Scaleway.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
];

/// Networks that are nobody's public address.
const CLOSED: [&str; 26] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

/// What webhooks may reach.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Closed networks that the operator opened.
    pub allowed: Vec<IpNet>,
    /// Everything but metadata addresses.
    pub private_networks: bool,
}

impl Targets {
    /// The networks of this machine alone.
    pub fn loopback() -> [IpNet; 2] {
        ["127.0.0.0/8", "::1/128"].map(|net| net.parse().expect("these are networks"))
    }

    /// Whether an address may be connected to; says why not.
    pub fn check(&self, address: IpAddr) -> Result<(), String> {
        let address = plain(address);
        if METADATA.contains(&address) {
            return Err(format!("{address} is a metadata address and never a target"));
        }
        if self.private_networks || self.allowed.iter().any(|net| net.contains(&address)) || !is_closed(address) {
            return Ok(());
        }
        Err(format!("{address} is not a public address; the setting webhooks.allow can open its network"))
    }
}

fn is_closed(address: IpAddr) -> bool {
    let nets = CLOSED.iter().map(|net| net.parse::<IpNet>().expect("the table holds networks"));
    nets.into_iter().any(|net| net.contains(&address))
}

/// An address without its disguise: IPv4 written as IPv6 is IPv4.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    let v4 = |at: usize| {
        let [[a, b], [c, d]] = [segments[at], segments[at + 1]].map(u16::to_be_bytes);
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => v4(6),
        [0x2002, ..] => v4(1),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => v4(6),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(targets: &Targets, address: &str) -> bool {
        targets.check(address.parse().unwrap()).is_err()
    }

    #[test]
    fn only_public_addresses_unless_opened() {
        let targets = Targets::default();
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.1.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
        ] {
            assert!(refused(&targets, address), "{address}");
        }
        for address in ["1.1.1.1", "172.32.0.1", "11.0.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(!refused(&targets, address), "{address}");
        }
    }

    #[test]
    fn what_is_opened_is_open_and_metadata_never() {
        let some = Targets {
            allowed: ["127.0.0.0/8", "169.254.0.0/16", "fe80::/10", "fd00::/8"]
                .map(|net| net.parse().unwrap())
                .to_vec(),
            private_networks: false,
        };
        let all = Targets { allowed: vec![], private_networks: true };
        assert!(!refused(&some, "127.0.0.1") && !refused(&some, "::ffff:127.0.0.1") && refused(&some, "10.0.0.1"));
        assert!(!refused(&all, "10.0.0.1"));
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::a9fe:a9fe",
            "169.254.170.2",
            "169.254.170.23",
            "fd00:ec2::23",
            "fd00:ec2::254",
            "168.63.129.16",
            "192.0.0.192",
            "100.100.100.200",
            "fd20:ce::254",
            "fd00:42::42",
        ] {
            assert!(refused(&some, address) && refused(&all, address), "{address}");
        }
    }
}
