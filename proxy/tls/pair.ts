import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { open } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { contextOf } from './context.ts'

/** Where a certificate and its key lie, in PEM, and the CA whose certificates clients must show, if they must. */
export type PairFiles = { readonly cert: string; readonly key: string; readonly ca?: string | undefined }

/** A certificate (with what signed it) and its key, as they were read at one time. */
export type Pair = {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
  /** Of all, so that a change of any is one. */
  readonly hash: string
  /** Whether everybody on the machine may read the key. */
  readonly keyIsOpen: boolean
}

/** A pair that a server can use. */
export type UsablePair = Pair & {
  /** Milliseconds: from when and until when clients take the certificate. */
  readonly from: number
  readonly until: number
}

export type Checked =
  | { readonly ok: true; readonly pair: UsablePair }
  | { readonly ok: false; readonly faults: readonly string[] }

/** Reads the files. Rejects with words that name the file. */
export const readPair = async (files: PairFiles): Promise<Pair> => {
  const cert = await readWithMode(files.cert, 'the certificate')
  const key = await readWithMode(files.key, 'the key')
  const ca = files.ca === undefined ? undefined : (await readWithMode(files.ca, 'the CA')).bytes
  const hash = createHash('sha256')
  for (const bytes of [cert.bytes, key.bytes, ca ?? '']) hash.update(bytes).update('\0')
  return {
    cert: cert.bytes,
    key: key.bytes,
    ca,
    hash: hash.digest('hex'),
    keyIsOpen: (key.mode & 0o004) !== 0,
  }
}

const mostBytes = 1024 * 1024

const readWithMode = async (path: string, what: string): Promise<{ bytes: Buffer; mode: number }> => {
  try {
    const file = await open(path, 'r')
    try {
      const { mode, size } = await file.stat()
      if (size > mostBytes) throw new Error('it is too large to be one')
      return { bytes: await file.readFile(), mode }
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(`${what} can't be read at ${path}: ${code ?? message}`)
  }
}

/** Whether a server can use them together. */
export const checkPair = (pair: Pair): Checked => {
  const certificate = certificateOf(pair.cert)
  const key = keyOf(pair.key)
  const faults = [certificate, key, caFault(pair.ca)].filter((one) => typeof one === 'string')
  if (typeof certificate === 'string' || typeof key === 'string' || faults.length > 0)
    return { ok: false, faults }
  if (!certificate.checkPrivateKey(key))
    return { ok: false, faults: ['the key is not that of the certificate'] }
  try {
    // OpenSSL has a word in it: weak keys and broken chains.
    createSecureContext(contextOf(pair))
  } catch (error) {
    return { ok: false, faults: [`they can't be used: ${(error as Error).message}`] }
  }
  const from = certificate.validFromDate.getTime()
  return { ok: true, pair: { ...pair, from, until: certificate.validToDate.getTime() } }
}

const soonMs = 14 * 24 * 3_600_000

/** What is not good about a pair, and no reason to refuse it. `now` in milliseconds. */
export const warningsOf = ({ from, until, keyIsOpen }: UsablePair, now: number): string[] => {
  const ends = new Date(until).toISOString()
  return [
    ...(now > until ? [`the TLS certificate expired at ${ends}`] : []),
    ...(now <= until && until - now < soonMs ? [`the TLS certificate ends at ${ends}`] : []),
    ...(now < from ? [`the TLS certificate is not valid before ${new Date(from).toISOString()}`] : []),
    ...(keyIsOpen
      ? ['everybody on this machine may read the TLS key; take that right away (chmod o-r)']
      : []),
  ]
}

const certificateOf = (pem: Buffer): X509Certificate | string => {
  if (pem.includes('PRIVATE KEY')) return 'a private key lies where the certificate should be'
  try {
    return new X509Certificate(pem)
  } catch {
    return 'the certificate is none in PEM'
  }
}

const block = /-----BEGIN [^-]+-----[^-]*-----END [^-]+-----/g

/** Node takes a file without any certificate for an empty list, and leaves out what it can't read; here that is a fault. */
const caFault = (pem: Buffer | undefined): string | undefined => {
  if (pem === undefined) return undefined
  const text = pem.toString('latin1')
  const blocks = text.match(block) ?? []
  const isWhole = blocks.length > 0 && blocks.length === text.split('-----BEGIN').length - 1
  try {
    for (const one of blocks) new X509Certificate(one)
    return isWhole ? undefined : 'the CA is no certificate in PEM'
  } catch {
    return 'the CA is no certificate in PEM'
  }
}

const keyOf = (pem: Buffer): KeyObject | string => {
  if (pem.includes('ENCRYPTED')) return 'the key is encrypted, and nobody is asked for its passphrase'
  try {
    return createPrivateKey(pem)
  } catch {
    return 'the key is none in PEM'
  }
}
