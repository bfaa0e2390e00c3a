import { type Method, methods, type Pattern } from './path-pattern.ts'

/** The pattern that a request counts under. `rank` is the place of its tier: 0 is the lowest. */
export type Route = { readonly rank: number; readonly pattern: Pattern }

export type RouteIndex = {
  /**
   * The lowest tier with a pattern for this request, and the first of that tier's patterns that matches. The method is
   * `WS` for an upgrade; the path is the exact bytes that go upstream, without the query. `tally` counts the nodes
   * that were looked at.
   */
  readonly find: (method: string, path: string, tally?: { nodes: number }) => Route | undefined
}

/**
 * What patterns have in common up to some segment. Patterns are numbered in the order of their tiers and within them,
 * so the lowest number wins.
 */
type Node = {
  /** The segment that leads here. */
  readonly name: string
  /** The first pattern that ends here or goes on from here: nothing before it can be found this way. */
  readonly first: number
  /** The first pattern that ends here. */
  closed: number
  /** The first pattern with `**` here. */
  open: number
  /** Where `*` leads. */
  any: Node | undefined
  /** Where names lead: a chain, which takes the least memory and needs no string of the segment. */
  named: Node | undefined
  beside: Node | undefined
  /** The same by name, where the chain is long. */
  byName: Map<string, Node> | undefined
}

const places: ReadonlyMap<string, number> = new Map(methods.map((method, place) => [method, place]))
const placeOf = (method: Method): number => methods.indexOf(method)

/**
 * The nodes at this segment and at the next. All searches share them, so that none of them allocates, and that they are
 * in the processor's cache whichever service is asked for.
 */
const levels: readonly [Node[], Node[]] = [[], []]

/** How long a chain of names may be before a map finds sooner. */
const few = 8

/**
 * Finds the same as a loop with `patternMatches` over the tiers (in rising order) and their patterns. All that begins
 * like the path is followed side by side, a segment at a time, so a search looks at each node once at most: whatever
 * the path, it costs no more than there are segments in the patterns.
 */
export const createRouteIndex = (tiers: readonly { readonly patterns: readonly Pattern[] }[]): RouteIndex => {
  const routes: readonly Route[] = tiers.flatMap(({ patterns }, rank) =>
    patterns.map((pattern) => ({ rank, pattern })),
  )
  const none = routes.length
  const roots = rootsOf(routes)
  const get = roots[placeOf('GET')]
  const anyMethod = roots[placeOf('*')]

  return {
    find: (method, path, tally) => {
      let [level, next] = levels
      let best = none
      let width = 0
      const place = places.get(method)
      const own = place === undefined ? undefined : roots[place]
      if (own !== undefined) level[width++] = own
      if (get !== undefined && method === 'HEAD') level[width++] = get
      if (anyMethod !== undefined && anyMethod !== own && method !== 'WS') level[width++] = anyMethod

      let from = 1
      while (width > 0 && from <= path.length) {
        if (tally !== undefined) tally.nodes += width
        const slash = path.indexOf('/', from)
        const to = slash === -1 ? path.length : slash
        let wide = 0
        for (let place = 0; place < width; place += 1) {
          const node = level[place]
          if (node === undefined) continue
          if (node.open < best) best = node.open
          if (node.first >= best) continue
          const named = namedOf(node, path, from, to)
          if (named !== undefined) next[wide++] = named
          if (node.any !== undefined && to > from) next[wide++] = node.any
        }
        const over = level
        level = next
        next = over
        width = wide
        from = to + 1
      }
      if (tally !== undefined) tally.nodes += width
      for (let place = 0; place < width; place += 1) {
        const node = level[place]
        if (node !== undefined && node.closed < best) best = node.closed
      }
      return routes[best]
    },
  }
}

/** Where the segment from `from` to `to` leads by its name. */
const namedOf = ({ byName, named }: Node, path: string, from: number, to: number): Node | undefined => {
  if (byName !== undefined) return byName.get(path.slice(from, to))
  let node = named
  while (node !== undefined && (node.name.length !== to - from || !path.startsWith(node.name, from)))
    node = node.beside
  return node
}

/** Where the patterns of each method lead, in the order of `methods`. */
const rootsOf = (routes: readonly Route[]): readonly (Node | undefined)[] => {
  const roots: (Node | undefined)[] = methods.map(() => undefined)
  for (const [order, { pattern }] of routes.entries()) {
    /** Patterns come in rising order, so the one that a node is created for is its first. */
    const create = (name: string): Node => ({
      name,
      first: order,
      closed: routes.length,
      open: routes.length,
      any: undefined,
      named: undefined,
      beside: undefined,
      byName: undefined,
    })
    let node = roots[placeOf(pattern.method)] ?? create(pattern.method)
    roots[placeOf(pattern.method)] = node
    for (const segment of pattern.segments) {
      if (segment === '*') node.any ??= create(segment)
      node =
        (segment === '*' ? node.any : namedOf(node, segment, 0, segment.length)) ??
        addNamed(node, create(segment))
    }
    if (pattern.open) node.open = Math.min(node.open, order)
    else node.closed = Math.min(node.closed, order)
  }
  return roots
}

const addNamed = (node: Node, named: Node): Node => {
  named.beside = node.named
  node.named = named
  if (node.byName !== undefined) node.byName.set(named.name, named)
  else {
    const chain: [string, Node][] = []
    for (let one: Node | undefined = named; one !== undefined; one = one.beside) chain.push([one.name, one])
    if (chain.length > few) node.byName = new Map(chain)
  }
  return named
}
