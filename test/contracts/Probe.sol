// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

contract Child {
    event Born(uint256 indexed first);

    uint256 public first;

    constructor(uint256 given) {
        first = given;
        emit Born(given);
    }
}

/// What the client tests deploy: every kind of outcome a client library has to understand.
contract Probe {
    event Changed(address indexed who, uint256 indexed value, string note);
    event Burst(uint256 indexed index);

    error Refused(uint256 have, uint256 want);

    uint256 public value;
    address public immutable owner;
    mapping(address => uint256) public balanceOf;

    constructor(uint256 first) payable {
        value = first;
        owner = msg.sender;
    }

    function set(uint256 next, string calldata note) external payable returns (uint256 before) {
        before = value;
        value = next;
        emit Changed(msg.sender, next, note);
    }

    function burst(uint256 count) external {
        for (uint256 i = 0; i < count; i++) emit Burst(i);
    }

    function credit(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function refuse(string calldata reason) external pure {
        revert(reason);
    }

    function refuseTyped() external view {
        revert Refused(value, 42);
    }

    function overflow(uint256 a) external pure returns (uint256) {
        return type(uint256).max + a;
    }

    function spin() external {
        while (true) value++;
    }

    function end(address payable heir) external {
        selfdestruct(heir);
    }

    function spawn(uint256 first) external returns (Child child) {
        child = new Child(first);
    }

    receive() external payable {}
}
