import { type Method, methods, type Pattern } from './path-pattern.ts'

/** The tier and the pattern that a request counts under. `rank` is the place of the tier: 0 is the lowest. */
export type Route<Of> = { readonly rank: number; readonly tier: Of; readonly pattern: Pattern }

export type RouteIndex<Of> = {
  /**
   * The lowest tier with a pattern for this request, and the first of that tier's patterns that matches. The method is
   * `WS` for an upgrade; the path is the exact bytes that go upstream, without the query. `tally` counts the nodes
   * that were looked at.
   */
  find(method: string, path: string, tally?: { nodes: number }): Route<Of> | undefined
}

type Tiers<Of> = readonly (Of & { readonly patterns: readonly Pattern[] })[]

const places: ReadonlyMap<string, number> = new Map(methods.map((method, place) => [method, place]))
const placeOf = (method: Method): number => methods.indexOf(method)
const getPlace = placeOf('GET')
const anyPlace = placeOf('*')

/**
 * A node is what patterns have in common up to some segment: eight numbers in a row. Patterns are numbered in the order
 * of their tiers and within them, so the lowest number wins.
 */
type Cells = Int32Array
const width = 8
/** The first pattern that ends here or goes on from here: nothing before it can be found this way. */
const first = 0
/** The first pattern with `**` here, and the first that ends here. */
const open = 1
const closed = 2
/** Where `*` leads; 0 is nowhere. */
const any = 3
/** Where names lead: the first of a chain; below 0 it is the number of a map by name, where the chain is long. */
const named = 4
const beside = 5
/** The number of the segment that leads here, and its length. */
const name = 6
const length = 7

const none = 2 ** 31 - 1
const slash = 47
/** How long a chain of names may be before a map finds sooner. */
const few = 8

// Nodes lie within the table, so there is a number at each place that is asked for.
const at = (cells: Cells, place: number): number => cells[place] as number

/** The nodes at this segment and at the next. All searches share them, so that none of them allocates. */
const levels: readonly [number[], number[]] = [[], []]

/** Where nodes lie, in one piece for many services, and what they mean. */
type Table<Of> = {
  /** As many as `used`, and room for more. */
  cells: Cells
  used: number
  readonly names: string[]
  readonly numbers: Map<string, number>
  readonly maps: Map<string, number>[]
  readonly routes: Route<Of>[]
}

/** Where the segment from `from` to `to` of a path leads by its name; 0 is nowhere. */
const follow = (
  { cells, names, maps }: Table<unknown>,
  node: number,
  path: string,
  from: number,
  to: number,
): number => {
  let child = at(cells, node + named)
  if (child < 0) return maps[-child - 1]?.get(path.slice(from, to)) ?? 0
  while (
    child !== 0 &&
    (at(cells, child + length) !== to - from ||
      !path.startsWith(names[at(cells, child + name)] as string, from))
  )
    child = at(cells, child + beside)
  return child
}

const search = <Of>(
  table: Table<Of>,
  roots: number,
  method: string,
  path: string,
  tally?: { nodes: number },
): Route<Of> | undefined => {
  const row = places.get(method)
  // What is no method or no path (RFC 3986 3.3) is nothing that a pattern means.
  if (row === undefined || row === anyPlace || path.charCodeAt(0) !== slash) return undefined
  const { cells } = table
  let [level, next] = levels
  let best = none
  let wide = 0
  const own = at(cells, roots + row)
  if (own !== 0) level[wide++] = own
  const get = method === 'HEAD' ? at(cells, roots + getPlace) : 0
  if (get !== 0) level[wide++] = get
  const every = method === 'WS' ? 0 : at(cells, roots + anyPlace)
  if (every !== 0) level[wide++] = every

  let from = 1
  while (wide > 0 && from <= path.length) {
    if (tally !== undefined) tally.nodes += wide
    const end = path.indexOf('/', from)
    const to = end === -1 ? path.length : end
    let more = 0
    for (let place = 0; place < wide; place += 1) {
      const node = level[place] as number
      const opens = at(cells, node + open)
      if (opens < best) best = opens
      if (at(cells, node + first) >= best) continue
      const child = follow(table, node, path, from, to)
      if (child !== 0) next[more++] = child
      const star = at(cells, node + any)
      if (star !== 0 && to > from) next[more++] = star
    }
    const over = level
    level = next
    next = over
    wide = more
    from = to + 1
  }
  if (tally !== undefined) tally.nodes += wide
  for (let place = 0; place < wide; place += 1) {
    const closes = at(cells, (level[place] as number) + closed)
    if (closes < best) best = closes
  }
  return best === none ? undefined : table.routes[best]
}

/** One small object per service, without a closure of its own: it is looked at by every request. */
class Index<Of> implements RouteIndex<Of> {
  readonly #table: Table<Of>
  readonly #roots: number

  constructor(table: Table<Of>, roots: number) {
    this.#table = table
    this.#roots = roots
  }

  find(method: string, path: string, tally?: { nodes: number }): Route<Of> | undefined {
    return search(this.#table, this.#roots, method, path, tally)
  }
}

/**
 * Holds the patterns of many services close together, so that a search touches few lines of memory, whichever service
 * is asked for.
 */
export const createRouteTable = <Of>() => {
  const table: Table<Of> = {
    cells: new Int32Array(width),
    used: width,
    names: [],
    numbers: new Map(),
    maps: [],
    routes: [],
  }
  const { names, numbers, maps, routes } = table

  /** Where the next so many cells begin, with these values. */
  const push = (...values: readonly number[]): number => {
    const from = table.used
    table.used += values.length
    if (table.used > table.cells.length) {
      const room = new Int32Array(2 * table.used)
      room.set(table.cells)
      table.cells = room
    }
    table.cells.set(values, from)
    return from
  }

  /** The same number for the same segment. */
  const numberOf = (segment: string): number => {
    const number = numbers.get(segment) ?? names.push(segment) - 1
    numbers.set(segment, number)
    return number
  }

  /** Patterns come in rising order, so the one that a node is made for is its first. */
  const makeNode = (segment: string, order: number): number =>
    push(order, none, none, 0, 0, 0, numberOf(segment), segment.length)

  const addNamed = (node: number, segment: string, order: number): number => {
    const child = makeNode(segment, order)
    const { cells } = table
    const before = at(cells, node + named)
    if (before < 0) {
      maps[-before - 1]?.set(segment, child)
      return child
    }
    cells[child + beside] = before
    cells[node + named] = child
    const chain = new Map<string, number>()
    for (let one = child; one !== 0; one = at(cells, one + beside))
      chain.set(names[at(cells, one + name)] as string, one)
    if (chain.size > few) cells[node + named] = -maps.push(chain)
    return child
  }

  /** Where a place leads, made where it leads nowhere. */
  const lead = (place: number, segment: string, order: number): number => {
    const known = at(table.cells, place)
    if (known !== 0) return known
    const made = makeNode(segment, order)
    table.cells[place] = made
    return made
  }

  const add = (roots: number, { method, segments, open: isOpen }: Pattern, order: number): void => {
    let node = lead(roots + placeOf(method), method, order)
    for (const segment of segments)
      node =
        segment === '*'
          ? lead(node + any, segment, order)
          : follow(table, node, segment, 0, segment.length) || addNamed(node, segment, order)
    const end = node + (isOpen ? open : closed)
    table.cells[end] = Math.min(at(table.cells, end), order)
  }

  return {
    /** The patterns of these tiers, in rising order, as an index of their own. */
    index: (tiers: Tiers<Of>): RouteIndex<Of> => {
      const roots = push(...methods.map(() => 0))
      for (const [rank, tier] of tiers.entries())
        for (const pattern of tier.patterns) add(roots, pattern, routes.push({ rank, tier, pattern }) - 1)
      return new Index(table, roots)
    },
  }
}

export type RouteTable<Of> = ReturnType<typeof createRouteTable<Of>>

/**
 * Finds the same as a loop with `patternMatches` over the tiers (in rising order) and their patterns. All that begins
 * like the path is followed side by side, a segment at a time, so a search looks at each node once at most: whatever
 * the path, it costs no more than there are segments in the patterns.
 */
export const createRouteIndex = <Of extends { readonly patterns: readonly Pattern[] }>(
  tiers: readonly Of[],
  table: RouteTable<Of> = createRouteTable(),
): RouteIndex<Of> => table.index(tiers)
