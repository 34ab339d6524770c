import type { Mutation } from './mutation';

const store = ['src/storage/redis/redis-contents.spec.ts'];
const folder = ['src/storage/contents/folder-contents.spec.ts'];
const leases = ['src/storage/redis/redis-record-leases.spec.ts'];
const scripts = 'src/storage/redis/scripts/content-scripts.ts';
const leaseScripts = 'src/storage/redis/scripts/lease-scripts.ts';

/** Contents that are torn, doubled, shown too early, never gone or past their bound. */
export const contentMutations: readonly Mutation[] = [
  {
    name: 'an append goes to whatever end there is, in the store',
    file: scripts,
    find: "if (bytes or 0) ~= tonumber(ARGV[2]) or (state and state ~= 'k') then return 0 end\n",
    replace: '',
    specs: store,
  },
  {
    name: 'an append goes to whatever end there is, in a folder',
    file: 'src/storage/contents/folder-contents.ts',
    find: '        if (size !== atByte) throw otherEnd(id, atByte);\n',
    replace: '',
    specs: folder,
  },
  {
    name: 'a piece is begun anew where one was not full',
    file: scripts,
    find: 'if used == 0 then',
    replace: 'if used < 9 then',
    specs: store,
  },
  {
    name: 'pieces keep the room that they were given',
    file: scripts,
    find: "if used + #part == PIECE then call('SET', key, call('GET', key)) end",
    replace: '',
    specs: store,
  },
  {
    name: 'a cut keeps the piece in which it is',
    file: scripts,
    find: 'if start < wanted then',
    replace: 'if false then',
    specs: store,
  },
  {
    name: 'a cut that comes late is done',
    file: scripts,
    find: ' or cuts ~= tonumber(ARGV[3])',
    replace: '',
    specs: store,
  },
  {
    name: 'a draft is shown',
    file: scripts,
    find: "return {state == 'k' and bytes or -1",
    replace: 'return {state and bytes or -1',
    specs: store,
  },
  {
    name: 'the bound is not held',
    file: scripts,
    find: "if tonumber(call('GET', P .. 'fb') or 0) + #ARGV[3] > tonumber(ARGV[4]) then return -1 end\n",
    replace: '',
    specs: store,
  },
  {
    name: 'what is removed is counted on',
    file: scripts,
    find: "  call('INCRBY', P .. 'fb', whole(left - bytes))\n",
    replace: '',
    specs: store,
  },
  {
    name: 'a removal leaves pieces',
    file: 'src/storage/redis/redis-contents.ts',
    find: 'while (Number(await this.store.runDurably(dropContentScript, id, which)) > 0);',
    replace: "await this.store.call('HSET', `${this.store.prefix}:fc:${id}`, 'st', 'g');",
    specs: store,
  },
  {
    name: 'a young file is a stray',
    file: scripts,
    find: 'text(now() - ARGV[1])',
    replace: 'text(now())',
    specs: store,
  },
];

/** Leases that two nodes have, that nobody takes over, or by which strangers write. */
export const leaseMutations: readonly Mutation[] = [
  {
    name: 'whoever takes it has it',
    file: leaseScripts,
    find: 'if not isFree(kind, id, at) then return false end\n',
    replace: '',
    specs: leases,
  },
  {
    name: 'the token stays the same',
    file: leaseScripts,
    find: "local token = nextToken() .. '.' .. ARGV[3]",
    replace: "local token = '1'",
    specs: leases,
  },
  {
    name: 'strangers write',
    file: leaseScripts,
    find: "return name == '' or call('HGET', P .. 'rt', name) == token end",
    replace: 'return true end',
    specs: leases,
  },
  {
    name: 'strangers add to files',
    file: scripts,
    find: 'if not mayWrite(ARGV[4], ARGV[5]) then return -2 end\nlocal id',
    replace: 'local id',
    specs: leases,
  },
  {
    name: 'strangers cut files off',
    file: scripts,
    find: 'if not mayWrite(ARGV[4], ARGV[5]) then return -2 end\nlocal state',
    replace: 'local state',
    specs: leases,
  },
  {
    name: 'strangers make records',
    file: 'src/storage/redis/scripts/api-record-scripts.ts',
    find: 'if not mayWrite(ARGV[8], ARGV[9]) then return -2 end\nlocal kind',
    replace: 'local kind',
    specs: leases,
  },
  {
    name: 'strangers end leases',
    file: leaseScripts,
    find: "if call('HGET', P .. 'rt', nameOf(ARGV[1], ARGV[2])) == ARGV[3] then forgetLease(ARGV[1], ARGV[2]) end",
    replace: 'forgetLease(ARGV[1], ARGV[2])',
    specs: leases,
  },
  {
    name: 'a lapsed one is free to nobody',
    file: leaseScripts,
    find: "if call('ZSCORE', open, id) then free[#free + 1] = id else forgetLease(kind, id) end",
    replace: '',
    specs: leases,
  },
  {
    name: 'what has ended is free',
    file: leaseScripts,
    find: "if call('ZSCORE', open, id) then free[#free + 1] = id else forgetLease(kind, id) end",
    replace: 'free[#free + 1] = id',
    specs: leases,
  },
  {
    name: 'one that never had a lease is nobody’s for good',
    file: leaseScripts,
    find: "if #free == 0 and call('ZCARD', open) > call('ZCARD', leases) then",
    replace: 'if false then',
    specs: leases,
  },
  {
    name: 'nobody is told what was lost',
    file: 'src/storage/redis/redis-record-leases.ts',
    find: 'if (this.drop(lease)) this.lost.next(lease);',
    replace: 'this.drop(lease);',
    specs: leases,
  },
  {
    name: 'a node that cannot renew keeps all',
    file: 'src/storage/redis/redis-record-leases.ts',
    find: 'if (nowMs >= each.untilMs) this.lose(each);',
    replace: 'if (nowMs >= each.untilMs + 1e9) this.lose(each);',
    specs: leases,
  },
];

const apiRecords = 'src/storage/redis/scripts/api-record-scripts.ts';
const recordsFile = 'src/storage/records/records-file.ts';
const ofStore = ['src/storage/redis/redis-api-records.spec.ts'];
const ofFile = ['src/storage/records/sqlite-records.spec.ts'];

/** Files that go beneath the batch that reads them, or that are never let go of. */
export const apiRecordMutations: readonly Mutation[] = [
  {
    name: 'a record is made of a file that is gone, in the store',
    file: apiRecords,
    find: "if ARGV[7] ~= '' and not",
    replace: 'if false and not',
    specs: ofStore,
  },
  {
    name: 'a record is made of a file that is gone, in a file',
    file: recordsFile,
    find: "        if (!this.sql.find.get('file', request.fileId)) return false;\n",
    replace: '',
    specs: ofFile,
  },
  {
    name: 'a file is removed that is held, in the store',
    file: apiRecords,
    find: "  if call('ZSCORE', P .. 'ro:' .. kind, id) then return id end\n",
    replace: '',
    specs: ofStore,
  },
  {
    name: 'a file is removed that is held, in a file',
    file: recordsFile,
    find: '    if (heldBy !== undefined) return { heldBy };\n',
    replace: '',
    specs: ofFile,
  },
  {
    name: 'what has ended holds on, in a file',
    file: recordsFile,
    find: 'WHEN new.is_open = 0 BEGIN',
    replace: 'WHEN new.is_open = 2 BEGIN',
    specs: ofFile,
  },
];
