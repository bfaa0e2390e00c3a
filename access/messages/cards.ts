/**
 * Messages that show the state of something, by name. The name says what is rendered, and stays the same while the
 * message is updated.
 */
export type Card =
  /** The one live message of an incident, or of a pass asked for by hand. */
  | { readonly kind: 'occasion'; readonly occasion: string }
  | { readonly kind: 'offer' | 'approval' | 'keep'; readonly grant: string }
  | { readonly kind: 'lock'; readonly lock: string }
  /** To the holder of one pass: somebody else, who is paged for the same incident later on, could take it over. */
  | { readonly kind: 'handover'; readonly grant: string; readonly other: string }
  /** All that the commander of an incident gave in one go. */
  | { readonly kind: 'command'; readonly go: string }
  /** `version` is the version of the grant that is about to end. */
  | { readonly kind: 'reminder'; readonly grant: string; readonly version: number }

export const nameOfCard = (card: Card): string => {
  if (card.kind === 'occasion') return `occasion/${card.occasion}`
  if (card.kind === 'lock') return `lock/${card.lock}`
  if (card.kind === 'handover') return `handover/${card.grant}/${card.other}`
  if (card.kind === 'command') return `command/${card.go}`
  if (card.kind === 'reminder') return `reminder/${card.grant}/${card.version}`
  return `${card.kind}/${card.grant}`
}

/** The card of a name; undefined when no card has it. */
export const cardOfName = (name: string): Card | undefined => {
  const [kind, id, version, ...more] = name.split('/')
  if (id === undefined || id === '' || more.length > 0) return undefined
  if (kind === 'reminder')
    return version !== undefined && /^\d{1,9}$/.test(version)
      ? { kind, grant: id, version: Number(version) }
      : undefined
  if (kind === 'handover') return version ? { kind, grant: id, other: version } : undefined
  if (version !== undefined) return undefined
  if (kind === 'occasion') return { kind, occasion: id }
  if (kind === 'lock') return { kind, lock: id }
  if (kind === 'command') return { kind, go: id }
  if (kind === 'offer' || kind === 'approval' || kind === 'keep') return { kind, grant: id }
  return undefined
}
