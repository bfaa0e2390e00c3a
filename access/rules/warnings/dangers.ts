import type { Pattern } from '../../domain/path-pattern.ts'

/** A path that many services have, and that does or tells more than its method says. */
export type Danger = {
  /** Segments that follow each other; `*` is any one. */
  readonly segments: readonly string[]
  /** Whether nothing but `*` and `**` may follow for it to be meant. */
  readonly last: boolean
  /** Whether all of it has to be written out: its first segment alone is in every second path. */
  readonly whole: boolean
  readonly methods: readonly string[]
  /** "approval": it belongs into a tier that needs approval. "above": into any but the lowest. */
  readonly belongs: 'approval' | 'above'
  readonly because: string
}

const reading = ['GET', 'HEAD', '*']
const all = (
  paths: readonly string[],
  because: string,
  but: Partial<Omit<Danger, 'segments' | 'because'>> = {},
): Danger[] =>
  paths.map((path) => ({
    segments: path.split('/'),
    last: false,
    whole: false,
    methods: reading,
    belongs: 'approval',
    because,
    ...but,
  }))

export const dangers: readonly Danger[] = [
  ...all(
    ['actuator/heapdump', 'heapdump', 'debug/pprof'],
    'what a process holds in memory is in it: passwords, tokens, customers’ data',
  ),
  ...all(
    ['actuator/env', 'actuator/configprops', 'debug/vars', 'phpinfo', 'phpinfo.php'],
    'it shows how the process is configured, its secrets often included',
  ),
  ...all(['secrets', '.env', '.git', '.aws'], 'it is where secrets are read'),
  ...all(['v1/kv', 'v1/secret'], 'it is where secrets are read', { whole: true }),
  ...all(
    ['exec', 'attach', 'portforward', 'console', 'shell', 'terminal'],
    'it runs commands, whatever the method says',
    { last: true, methods: [...reading, 'WS'] },
  ),
  ...all(
    ['pods/*/proxy', 'services/*/proxy', 'nodes/*/proxy'],
    'it leads to everything behind it, whatever the method says',
    { whole: true, methods: [...reading, 'WS'] },
  ),
  ...all(['graphql'], 'one path serves every query, and often every change', {
    last: true,
    methods: [...reading, 'POST'],
    belongs: 'above',
  }),
  ...all(
    ['shutdown', 'restart', 'reload', 'flush', 'flushall', 'purge', 'quit', 'logout', 'signout'],
    'many services act on it, even by GET',
    { last: true, belongs: 'above' },
  ),
]

/** The first danger that a pattern names; one that is only wide names none. */
export const dangerIn = (pattern: Pattern, of: readonly Danger[] = dangers): Danger | undefined =>
  of.find((danger) => danger.methods.includes(pattern.method) && isNamed(pattern, danger))

const isNamed = ({ segments, open }: Pattern, danger: Danger): boolean =>
  segments.some((_, start) => {
    const [first, ...rest] = danger.segments
    if (segments[start]?.toLowerCase() !== first) return false
    const fits = rest.every((name, index) => {
      const at = start + 1 + index
      const segment = segments[at]
      if (segment === undefined) return open && !danger.whole
      return name === '*' || (segment === '*' && !danger.whole) || segment.toLowerCase() === name
    })
    const after = segments.slice(start + danger.segments.length)
    return fits && (!danger.last || after.every((segment) => segment === '*' || segment === ''))
  })
