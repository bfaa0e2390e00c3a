import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'

/** An address (IPv4 or IPv6, or a host name) and a port. */
export type Endpoint = { readonly host: string; readonly port: number }

export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/**
 * What no service is, whatever a rule set or a name server says: link-local addresses, where clouds tell machines their
 * credentials, those clouds' other metadata addresses, "this host", multicast and broadcast. RFC 6890, and the vendors'
 * documents for the single ones.
 */
const never = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Alibaba Cloud, Oracle Cloud, Azure
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['168.63.129.16', 32],
] as const)
  never.addSubnet(net, bits)
for (const [net, bits] of [
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  // AWS, Google Cloud
  ['fd00:ec2::', 32],
  ['fd20:ce::254', 128],
] as const)
  never.addSubnet(net, bits, 'ipv6')

/**
 * IPv4 within IPv6, by the numbers of its groups: NAT64 (RFC 6052 2.2, RFC 8215) and 6to4 (RFC 3056). What is mapped
 * (`::ffff:`) Node sees itself.
 */
const atEnd = (groups: readonly number[]) => [groups[6] ?? 0, groups[7] ?? 0] as const
const around64 = (groups: readonly number[]) =>
  [groups[3] ?? 0, (((groups[4] ?? 0) & 255) << 8) | ((groups[5] ?? 0) >> 8)] as const
const behindPrefix = (groups: readonly number[]) => [groups[1] ?? 0, groups[2] ?? 0] as const
const carriers = [
  { net: '64:ff9b::', bits: 96, read: atEnd },
  { net: '64:ff9b:1::', bits: 48, read: atEnd },
  { net: '64:ff9b:1::', bits: 48, read: around64 },
  { net: '2002::', bits: 16, read: behindPrefix },
  // Translated (RFC 2765).
  { net: '::ffff:0:0:0', bits: 96, read: atEnd },
].map(({ net, bits, read }) => {
  const list = new BlockList()
  list.addSubnet(net, bits, 'ipv6')
  return { list, read }
})

const groupsOf = (address: string): number[] => {
  // `URL` writes any spelling of an address in one way (RFC 5952), without a dotted end.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  if (tail === undefined) return read(head)
  const [before, after] = [read(head), read(tail)]
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

/** The IPv4 addresses that an IPv6 one may stand for. */
const carried = (address: string): string[] =>
  carriers
    .filter(({ list }) => list.check(address, 'ipv6'))
    .map(({ read }) => {
      const [high, low] = read(groupsOf(address))
      return [high >> 8, high & 255, low >> 8, low & 255].join('.')
    })

/** Whether an address is on a list, in whatever form it comes. */
export const isOn = (list: BlockList, address: string): boolean => {
  if (isIP(address) === 4) return list.check(address)
  const plain = address.replace(/%.*$/, '')
  return list.check(plain, 'ipv6') || carried(plain).some((inner) => list.check(inner))
}

const own = (): BlockList => {
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8)
  list.addAddress('::1', 'ipv6')
  for (const all of Object.values(networkInterfaces()))
    for (const { address, family } of all ?? []) list.addAddress(address, family === 'IPv4' ? 'ipv4' : 'ipv6')
  return list
}

/** Whether an address is this machine's. */
export const isOwn = (address: string): boolean => isOn(own(), address)

/**
 * Which addresses this process connects to for a service. `ports` are its own on this machine (administration, for
 * example); `others` are what else belongs to Pagepass, such as Redis, where it is known by then.
 */
export const createAddressGuard = (
  ports: ReadonlySet<number>,
  others: () => readonly Endpoint[] = () => [],
) => {
  const refuses = (address: string, port: number): boolean =>
    isIP(address) === 0 ||
    isOn(never, address) ||
    (ports.has(port) && isOwn(address)) ||
    others().some((other) => other.port === port && sameAddress(other.host, address))

  const refusal = (host: string): AddressRefused => new AddressRefused(`${host} is no address of a service`)

  return {
    refuses,
    /** Throws `AddressRefused` where the host is an address that is refused. A name is found out when it is looked up. */
    check: (host: string, port: number): void => {
      const address = host.replace(/^\[|\]$/g, '')
      if (isIP(address) !== 0 && refuses(address, port)) throw refusal(address)
    },
    /** Resolves names as Node does, and leaves out what is refused. It asks when connecting, so a name can't change later. */
    lookupFor:
      (port: number): LookupFunction =>
      (name, options, found) => {
        lookup(name, { ...options, all: true }, (error, addresses) => {
          if (error !== null) return found(error, '')
          const left = addresses.filter(({ address }) => !refuses(address, port))
          const [first] = left
          if (first === undefined) return found(refusal(name), '')
          if (options.all === true) found(null, left)
          else found(null, first.address, first.family)
        })
      },
  }
}
export type AddressGuard = ReturnType<typeof createAddressGuard>

/** The port of an origin, written or not. */
export const portOf = ({ protocol, port }: URL): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)

const sameAddress = (one: string, other: string): boolean => {
  if (isIP(one) === 0) return false
  const list = new BlockList()
  list.addAddress(one, isIP(one) === 6 ? 'ipv6' : 'ipv4')
  return isOn(list, other)
}
