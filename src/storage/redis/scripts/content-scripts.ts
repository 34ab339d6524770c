import { Script } from '../connection/script';
import { leaseStep } from './lease-scripts';

/** Of one key; the last one of a file may have less. With what the server puts around it, it fits into 64 KiB of its memory. */
const PIECE_BYTES = 64 * 1024 - 64;
/** Taken away in one step: the server does nothing else meanwhile. */
const PIECES_DROPPED = 256;
/** Since when nobody has added to a draft, or gone on dropping a file, whose node is no more. */
const LEFT_MS = 5 * 60_000;
/** Dropped beside a new one. */
const LEFT_AT_ONCE = 10;

/**
 * A file is a hash, with its state (`d` a draft, `k` kept, `g` going), its bytes and how often it was cut, and pieces of a fixed size, each a key of its own. `fk` has those
 * that are kept by when that was, `fd` the others by when they were last touched; `fb` is the bytes of all.
 */
const steps = `
local PIECE = ${PIECE_BYTES}
local function contentKey(id) return P .. 'fc:' .. id end
local function pieceKey(id, n) return P .. 'fp:' .. id .. ':' .. string.format('%.0f', n) end
local function whole(n) return string.format('%.0f', n) end

-- State, bytes and how often it was cut; nil where there is none.
local function content(id)
  local c = call('HMGET', contentKey(id), 'st', 'bytes', 'cuts')
  if not c[1] then return nil end
  return c[1], tonumber(c[2]), tonumber(c[3] or '0')
end

-- To the end of what has so many bytes.
local function add(id, bytes, piece)
  local at = 1
  while at <= #piece do
    local used = bytes % PIECE
    local part = string.sub(piece, at, at + PIECE - used - 1)
    local key = pieceKey(id, math.floor(bytes / PIECE))
    if used == 0 then
      call('SET', key, part)
    else
      call('APPEND', key, part)
      -- What is whole is put anew, without the room that APPEND has left behind it.
      if used + #part == PIECE then call('SET', key, call('GET', key)) end
    end
    at = at + #part
    bytes = bytes + #part
  end
  call('INCRBY', P .. 'fb', #piece)
  call('HSET', contentKey(id), 'bytes', whole(bytes))
end

-- Cuts it off there, of so many pieces at most; answers how many bytes are left.
local function cut(id, bytes, wanted, most)
  local left = bytes
  while left > wanted and most > 0 do
    local n = math.ceil(left / PIECE) - 1
    local start = n * PIECE
    if start < wanted then
      call('SET', pieceKey(id, n), call('GETRANGE', pieceKey(id, n), 0, wanted - start - 1))
      left = wanted
    else
      call('DEL', pieceKey(id, n))
      left = start
    end
    most = most - 1
  end
  call('INCRBY', P .. 'fb', whole(left - bytes))
  call('HSET', contentKey(id), 'bytes', whole(left))
  return left
end
`;

/** ARGV: 1 id. Answers ids of others that nodes which are no more have left. */
export const beginContentScript = new Script(
  'beginContent',
  `${steps}
local at = now()
local left = call('ZRANGEBYSCORE', P .. 'fd', '-inf', text(at - ${LEFT_MS}), 'LIMIT', 0, ${LEFT_AT_ONCE})
call('HSET', contentKey(ARGV[1]), 'st', 'd', 'bytes', 0)
call('ZADD', P .. 'fd', text(at), ARGV[1])
return left
`,
);

/** ARGV: 1 id of a draft, 2 its bytes, 3 what is added, 4 most bytes of all files. Answers 1; 0 where it is not so; -1 where there is no room. */
export const addToDraftScript = new Script(
  'addToDraft',
  `${steps}
local state, bytes = content(ARGV[1])
if state ~= 'd' or bytes ~= tonumber(ARGV[2]) then return 0 end
if tonumber(call('GET', P .. 'fb') or 0) + #ARGV[3] > tonumber(ARGV[4]) then return -1 end
add(ARGV[1], bytes, ARGV[3])
call('ZADD', P .. 'fd', text(now()), ARGV[1])
return 1
`,
);

/** ARGV: 1 id of a draft, 2 its bytes. Answers 0 where it is not so. Done twice it is done once. */
export const keepContentScript = new Script(
  'keepContent',
  `${steps}
local state, bytes = content(ARGV[1])
if bytes ~= tonumber(ARGV[2]) or state == 'g' then return 0 end
if state == 'k' then return 1 end
call('HSET', contentKey(ARGV[1]), 'st', 'k')
call('ZREM', P .. 'fd', ARGV[1])
call('ZADD', P .. 'fk', text(now()), ARGV[1])
return 1
`,
);

/**
 * ARGV: 1 id, 2 its bytes, 3 what is added, 4 and 5 name and token of a lease, or ''. One of no bytes is made. Answers 0 where it has another number of them, -2
 * where the lease is somebody else's.
 */
export const appendContentScript = new Script(
  'appendContent',
  `${steps}${leaseStep}
if not mayWrite(ARGV[4], ARGV[5]) then return -2 end
local id = ARGV[1]
local state, bytes = content(id)
if (bytes or 0) ~= tonumber(ARGV[2]) or (state and state ~= 'k') then return 0 end
if not state then
  call('HSET', contentKey(id), 'st', 'k')
  call('ZADD', P .. 'fk', text(now()), id)
end
add(id, bytes or 0, ARGV[3])
return 1
`,
);

/**
 * ARGV: 1 id, 2 bytes after which it is cut off, 3 how often it was cut before, 4 and 5 name and token of a lease, or ''. Answers 1 (of many pieces some are
 * taken: it is to be done again); 0 where it was cut another number of times, -2 where the lease is somebody else's. Done twice it is done once.
 */
export const truncateContentScript = new Script(
  'truncateContent',
  `${steps}${leaseStep}
if not mayWrite(ARGV[4], ARGV[5]) then return -2 end
local state, bytes, cuts = content(ARGV[1])
if state ~= 'k' or cuts ~= tonumber(ARGV[3]) then return 0 end
letThrough()
cut(ARGV[1], bytes, tonumber(ARGV[2]), ${PIECES_DROPPED})
call('HSET', contentKey(ARGV[1]), 'cuts', whole(cuts + 1))
return 1
`,
);

/**
 * ARGV: 1 id, of a draft too, 2 `left` where it is to be dropped only if it is not kept by now. Nobody sees it from the first step on. Answers how many
 * bytes are left: until none are it is to be done again.
 */
export const dropContentScript = new Script(
  'dropContent',
  `${steps}
local id = ARGV[1]
local state, bytes = content(id)
if not state then
  call('ZREM', P .. 'fd', id)
  return 0
end
if ARGV[2] == 'left' and state == 'k' then return 0 end
-- First of all: a server without memory refuses steps that begin by writing more, and this is how it comes to have some again.
call('ZREM', P .. 'fk', id)
call('HSET', contentKey(id), 'st', 'g')
call('ZADD', P .. 'fd', text(now()), id)
local left = cut(id, bytes, 0, ${PIECES_DROPPED})
if left > 0 then return left end
call('DEL', contentKey(id))
call('ZREM', P .. 'fd', id)
return 0
`,
);

/** ARGV: 1 id. Answers {its bytes, how often it was cut}; -1 for the bytes where there is none. */
export const contentEndScript = new Script(
  'contentEnd',
  `${steps}
local state, bytes, cuts = content(ARGV[1])
return {state == 'k' and bytes or -1, cuts or 0}
`,
);

/** ARGV: 1 id, 2 from which byte, 3 how many at most. Answers them. */
export const readContentScript = new Script(
  'readContent',
  `${steps}
local state, bytes = content(ARGV[1])
if state ~= 'k' then return '' end
local from, parts = tonumber(ARGV[2]), {}
local till = math.min(bytes, from + tonumber(ARGV[3]))
while from < till do
  local start = from % PIECE
  local length = math.min(PIECE - start, till - from)
  parts[#parts + 1] = call('GETRANGE', pieceKey(ARGV[1], math.floor(from / PIECE)), start, start + length - 1)
  from = from + length
end
return table.concat(parts)
`,
);

/** ARGV: 1 milliseconds. Answers ids of those that are kept for longer. */
export const keptContentsScript = new Script(
  'keptContents',
  `return call('ZRANGEBYSCORE', P .. 'fk', '-inf', text(now() - ARGV[1]))`,
);
