// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

contract Mayfly {
    event Lived(address indexed who, uint256 value);

    uint256 public stored;

    constructor(uint256 value) payable {
        stored = value;
        emit Lived(address(this), value);
    }

    function bump() external returns (uint256) {
        return ++stored;
    }

    function end(address payable heir) external {
        selfdestruct(heir);
    }
}

/// Everything that can leave a trace in state, receipts or gas, for comparing two nodes.
contract Chaos {
    event Noted(uint256 indexed a, bytes32 indexed b, bytes c);
    event Plain(uint256 a);
    event Anonymous(uint256 a) anonymous;

    error Typed(uint256 a, string b);

    mapping(uint256 => uint256) public slots;
    Mayfly[] public flies;

    receive() external payable {}

    function store(uint256 first, uint256 count, uint256 value) external {
        for (uint256 i = 0; i < count; i++) slots[first + i] = value;
    }

    function note(uint256 count, bytes calldata what) external {
        for (uint256 i = 0; i < count; i++) {
            emit Noted(i, keccak256(what), what);
            emit Plain(i);
            emit Anonymous(i);
        }
    }

    function refuse(uint256 kind) external {
        slots[1] = kind;
        emit Plain(kind);
        if (kind == 0) revert("refused");
        if (kind == 1) revert Typed(kind, "typed");
        if (kind == 2) assert(false);
        if (kind == 3) {
            uint256[] memory a = new uint256[](1);
            a[kind] = 1;
        }
        if (kind == 4) assembly { invalid() }
        if (kind == 5) while (true) slots[gasleft()] = 1;
        if (kind == 6) assembly { revert(0, 0) }
        slots[2] = 10 / (kind - kind);
    }

    function attempt(uint256 kind) external {
        try this.refuse(kind) {} catch (bytes memory why) {
            emit Noted(kind, keccak256(why), why);
        }
    }

    function spawn(uint256 value, bytes32 salt, bool two) external payable {
        Mayfly fly = two ? new Mayfly{salt: salt, value: msg.value}(value) : new Mayfly{value: msg.value}(value);
        flies.push(fly);
    }

    function spawnAndEnd(uint256 value, address payable heir) external payable {
        Mayfly fly = new Mayfly{value: msg.value}(value);
        fly.bump();
        fly.end(heir);
    }

    function poke(uint256 index) external {
        if (flies.length > 0) flies[index % flies.length].bump();
    }

    function endOne(uint256 index, address payable heir) external {
        if (flies.length > 0) flies[index % flies.length].end(heir);
    }

    function transientSum(uint256 count) external returns (uint256 sum) {
        for (uint256 i = 0; i < count; i++) assembly { tstore(i, add(i, 7)) }
        for (uint256 i = 0; i < count; i++) assembly { sum := add(sum, tload(i)) }
        slots[3] = sum;
    }

    function precompile(uint160 which, bytes calldata input) external {
        (bool ok, bytes memory out) = address(which).call{gas: 300000}(input);
        emit Noted(ok ? 1 : 0, keccak256(out), out);
    }

    function surroundings(address other) external {
        slots[4] = uint256(keccak256(abi.encode(address(this).balance, other.balance, other.code.length, other.codehash, msg.sender, tx.origin,
            block.chainid, block.coinbase, block.gaslimit, block.basefee, block.blobbasefee, tx.gasprice, gasleft())));
    }

    function send(address payable to, uint256 value) external {
        (bool ok, ) = to.call{value: value}("");
        emit Plain(ok ? 1 : 0);
    }

    function memoryHeavy(uint256 words) external returns (bytes32 out) {
        assembly {
            mstore(mul(words, 32), 1)
            mcopy(0, 32, mul(words, 16))
            out := keccak256(0, mul(words, 32))
        }
        slots[5] = uint256(out);
    }
}
