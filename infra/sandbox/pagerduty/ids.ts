import { randomInt } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'

const letters = (count: number): string =>
  Array.from({ length: count }, () => ALPHABET[randomInt(36)]).join('')

/** Incidents and log entries have ids like Q1KD0TLXG4S1VO. */
export const newId = (): string => `Q${letters(13)}`

/** Events have ids like 01FFE2FY4SONSAOFXFNLQ73WQW. */
export const newEventId = (): string => `01${letters(24)}`
