import { randomBytes } from 'node:crypto'

/** Makes a break-glass pass unlike any other: 16 bytes in base64url. */
export const newGlassNonce = (): string => randomBytes(16).toString('base64url')
