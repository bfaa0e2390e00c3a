import { BlockList, isIP } from 'node:net'
import { type AddressGuard, AddressRefused, isOn, isOwn } from '../upstream-address.ts'

/**
 * What is inside, or nowhere: addresses that are not reached from the whole internet (IANA's special-purpose registries,
 * RFC 6890). Of IPv6 nothing but what is given out (2000::/3) is outside.
 */
const inside = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  inside.addSubnet(net, bits)
for (const [net, bits] of [
  // Teredo (which hides an IPv4 address), ORCHID, benchmarks; documentation.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
] as const)
  inside.addSubnet(net, bits, 'ipv6')

const given = new BlockList()
given.addSubnet('2000::', 3, 'ipv6')
// What DNS64 makes of an IPv4 address, which is looked at as such (RFC 6147), and what is mapped.
given.addSubnet('64:ff9b::', 96, 'ipv6')
given.addSubnet('::ffff:0:0', 96, 'ipv6')

/** Whether a name of somebody else may lead there: into the internet, and not to this machine. */
export const isOutside = (address: string): boolean => {
  const kind = isIP(address)
  if (kind === 0 || isOn(inside, address) || isOwn(address)) return false
  return kind === 4 || given.check(address.replace(/%.*$/, ''), 'ipv6')
}

/**
 * The guard for calls to the outside: beside what no service is, a name leads to nothing inside, whatever a name server
 * says. Where a rule names an address itself, whoever reviewed the rule has seen which one.
 */
export const createOutsideGuard = (
  guard: Pick<AddressGuard, 'check' | 'lookupFor'>,
): Pick<AddressGuard, 'check' | 'lookupFor'> => ({
  check: guard.check,
  lookupFor: (port) => {
    const lookup = guard.lookupFor(port)
    return (name, options, found) =>
      lookup(name, { ...options, all: true }, (error, addresses) => {
        if (error !== null) return found(error, '')
        // Asked for all, it answers with a list (`dns.lookup`).
        const left = Array.isArray(addresses) ? addresses.filter(({ address }) => isOutside(address)) : []
        const [first] = left
        if (first === undefined) return found(new AddressRefused(`${name} leads inside`), '')
        if (options.all === true) found(null, left)
        else found(null, first.address, first.family)
      })
  },
})
