// Names instead of numbers that depend on the folder it was built in: what is built is the same everywhere.
module.exports = { optimization: { moduleIds: 'named', chunkIds: 'named' } };
